// Chinese: sentences of the provider.

/** By the English template. */
export const SAID: Record<string, string> = {
  // Reading a payload.
  "the payload is empty, and Apple answers 400 PayloadEmpty": "载荷为空，苹果会回答 400 PayloadEmpty",
  'send at least {"aps":{}}': '至少发送 {"aps":{}}',
  "the payload is not JSON: {} at line {}, column {}": "载荷不是 JSON：第 {2} 行第 {3} 列，{1}",
  "mend the JSON there": "请改正那里的 JSON",
  "the payload nests more than 127 levels deep at line {}, column {}": "载荷在第 {1} 行第 {2} 列嵌套超过 127 层",
  "flatten it": "请减少嵌套",
  "the payload is {}, not an object": "载荷是{1}，不是对象",
  'wrap it in {"aps":{…}}': '请放进 {"aps":{…}} 里',
  "the key occurs more than once; only the last value counts": "这个键出现了不止一次，只有最后一个值有效",
  "keep one of them": "只保留一个",
  "the value is {}, not {}, and is ignored": "值是{1}，而不是{2}，会被忽略",
  "write {} without quotes": "写成 {1}，不要引号",
  'write "{}" with quotes': '加上引号,写成 "{1}"',
  "write {}, or leave the key out": "写成{1}，或去掉这个键",
  "write one of {}": "写成其中之一：{1}",
  'write "default", or remove it': '写成 "default",或去掉它',
  'write a string, or in a Live Activity {"loc-key": …, "loc-args": […]}':
    '写成字符串,或在实时活动里写成 {"loc-key": …, "loc-args": […]}',
  "write a number from 0 to 1": "写成 0 到 1 的数字",
  "write it without spaces and line breaks: then it has {} bytes": "去掉空格和换行，就只有 {1} 字节",
  "write {}": "写成{1}",
  "shorten it by {} bytes": "请缩短 {1} 字节",
  "the payload has {} bytes, a push of type {} may have {}, and Apple answers 413 PayloadTooLarge":
    "载荷有 {1} 字节，{2} 类型的推送最多 {3} 字节，苹果会回答 413 PayloadTooLarge",
  // Keys.
  "only Xcode's Simulator reads this key; sent to a device it is data like any other":
    "只有 Xcode 的模拟器会读这个键，发到设备上它只是普通数据",
  "leave it in an .apns file, leave it out of what your server sends": "可以留在 .apns 文件里，服务端发送时请去掉",
  "Apple doesn't know this key, and there is no aps": "苹果不认识这个键，而且没有 aps",
  "the key stands beside aps, where Apple reads nothing": "这个键写在了 aps 旁边，苹果不会读那里",
  "move it to {}": "把它移到 {1}",
  "did you mean {}?": "是不是想写 {1}？",
  "Apple doesn't know this key of aps and ignores it": "苹果不认识 aps 里的这个键，会忽略它",
  "Apple doesn't know this key of an alert and ignores it": "苹果不认识 alert 里的这个键，会忽略它",
  "Apple doesn't know this key of a sound and ignores it": "苹果不认识 sound 里的这个键，会忽略它",
  "this key belongs into alert and is ignored here": "这个键应当写在 alert 里，写在这里会被忽略",
  "this key belongs beside alert, not into it, and is ignored": "这个键应当写在 alert 旁边而不是里面，会被忽略",
  "put data of your own beside aps, at the top level": "自己的数据请放在 aps 旁边，即最外层",
  "a sound has the keys critical, name and volume": "sound 的键有 critical、name 和 volume",
  "the value is not a word Apple knows, and is ignored": "这个值苹果不认识，会被忽略",
  "the value is an object without a string loc-key, and is ignored": "这个对象里没有字符串 loc-key，会被忽略",
  "the string holds a NUL character, at which many programs cut a text off":
    "字符串里有 NUL 字符，许多程序会在那里截断",
  "the key holds a NUL character": "键里有 NUL 字符",
  "remove \\u0000": "请去掉 \\u0000",
  "null is none of the values Apple allows here, and apps that save the payload as a property list fail on it":
    "苹果不允许这里是 null；把载荷存成属性列表的应用会因此出错",
  "leave the key out": "请去掉这个键",
  // What the keys say.
  "the alert has no text, so nothing is shown": "alert 里没有文字，所以什么都不会显示",
  "add a title or a body": "请加上 title 或 body",
  "there is no {} whose placeholders these would fill": "没有 {1}，这些参数无处可填",
  "add {}, or remove {}": "加上 {1}，或去掉 {2}",
  "the {} isn't shown, as {} wins over it": "{1} 不会显示，因为 {2} 优先",
  "keep either {} or {}": "{1} 与 {2} 只保留一个",
  "only iOS 12 to 14 read this key": "只有 iOS 12 到 14 读这个键",
  "leave it out for newer systems": "新系统请去掉它",
  "a passive notification plays no sound": "被动通知不会响铃",
  "remove the sound, or use interruption-level active": "去掉 sound，或使用 interruption-level active",
  "the score that orders a summary lies between 0 and 1": "摘要排序用的分数应在 0 到 1 之间",
  "use a number from 0 to 1": "请使用 0 到 1 的数字",
  "the app's service extension runs only for a notification with an alert": "只有带 alert 的通知才会运行应用的通知扩展",
  "add an alert (the extension may replace its text), or remove mutable-content":
    "加上 alert（扩展可以替换其中的文字），或去掉 mutable-content",
  "the volume is {}, but goes from 0 (silent) to 1 (full)": "音量是 {1}，而范围是 0（静音）到 1(最大)",
  "only a critical alert has a volume": "只有重要警告才有音量",
  'add "critical": 1 if the app has the entitlement, or remove the volume':
    '应用有相应权限时加上 "critical": 1,否则去掉音量',
  "the sound has no name": "sound 没有名字",
  'add "name": "default", or the name of a sound file in the app': '加上 "name": "default",或应用内声音文件的名字',
  "the sound has an empty name and is silent": "sound 的名字为空，不会响",
  // What the push type wants.
  "a push of type {} needs aps, and there is none": "{1} 类型的推送需要 aps，但没有",
  "add an aps object": "请加上 aps 对象",
  "nothing is shown: such a payload only updates Wallet passes": "什么都不会显示：这样的载荷只会更新钱包卡片",
  'add "aps": {"alert": …} to show a notification': '加上 "aps": {"alert": …} 才会显示通知',
  "the payload only wakes the app, which is a background push: as an alert it may be delayed or dropped":
    "这个载荷只唤醒应用，属于后台推送；当作提醒发送可能被延迟或丢弃",
  "send it with push type background and priority 5": "请用推送类型 background、优先级 5 发送",
  "there is no alert, badge or sound, so nothing is shown": "没有 alert、badge 或 sound，所以什么都不会显示",
  "add an alert, or for a silent push content-available": "加上 alert；静默推送则加上 content-available",
  "a background push needs this key, without which the app isn't woken": "后台推送需要这个键，否则不会唤醒应用",
  'add "content-available": 1': '请加上 "content-available": 1',
  "a background push may have no alert, badge or sound, and Apple may delay or drop it":
    "后台推送不能有 alert、badge 或 sound，苹果可能会延迟或丢弃它",
  "remove {}, or send it with push type alert": "去掉 {1}，或改用推送类型 alert",
  "a push of type {} reloads nothing without this key": "没有这个键，{1} 类型的推送不会刷新任何内容",
  'add "content-changed": true': '请加上 "content-changed": true',
  "a push of type mdm needs the device's PushMagic string here": "mdm 类型的推送需要在这里写设备的 PushMagic 字符串",
  'add "mdm": "<PushMagic>"': '请加上 "mdm": "<PushMagic>"',
  // Live Activities.
  "the key is for Live Activities, not for a push of type {}": "这个键用于实时活动，不用于 {1} 类型的推送",
  "send it with push type liveactivity, to the topic with .push-type.liveactivity, or remove it":
    "用推送类型 liveactivity 发到带 .push-type.liveactivity 的主题，或去掉它",
  "a Live Activity push needs this key": "实时活动的推送需要这个键",
  'add "event": "start", "update" or "end"': '请加上 "event": "start"、"update" 或 "end"',
  "add the time of sending in UNIX seconds": "请加上发送时间（UNIX 秒数）",
  "add an object that decodes to the app's ContentState": "请加上能解码为应用 ContentState 的对象",
  "add the name of the app's ActivityAttributes type": "请加上应用的 ActivityAttributes 类型名",
  "add an object that decodes to that type": "请加上能解码为该类型的对象",
  "add an alert with title and body: a start must be announced": "请加上带 title 和 body 的 alert：开始时必须提醒用户",
  "a Live Activity is updated either by a channel or by a token": "实时活动要么由频道更新，要么由令牌更新",
  "keep input-push-channel or input-push-token": "input-push-channel 与 input-push-token 只保留一个",
  "the key counts only in a start": "这个键只在 start 时有效",
  "remove it": "请去掉它",
  "the date counts only when the Live Activity ends": "这个日期只在实时活动结束时有效",
  'remove it, or send "event": "end"': '去掉它,或发送 "event": "end"',
  "the value is a time in milliseconds, but Apple reads seconds": "这个值是毫秒，而苹果按秒来读",
  "divide it by 1000": "请除以 1000",
  // Whom a push doesn't reach.
  "No user {} has ever logged in to this app: check the user's id.": "用户 {1} 从未登录过这个应用：请检查用户的 id。",
  "The user {} is logged in on no installation.": "用户 {1} 没有在任何设备上登录。",
  "The user {} has no installation in {}, only in the other environment.":
    "用户 {1} 在{2}里没有设备，只在另一个环境里有。",
  "All installations of the user {} in {} are retired: the push service ended their tokens.":
    "用户 {1} 在{2}里的设备都已停用：推送服务已使它们的令牌失效。",
  "The token is not known: tell it with PUT /v1/apps/{bundle}/installations/{token}.":
    "不认识这个令牌：请先用 PUT /v1/apps/{bundle}/installations/{token} 登记。",
  "The token is not of {}, but of the other environment.": "这个令牌不属于{1}，而属于另一个环境。",
  "The installation is retired: the push service ended its token.": "这台设备已停用：推送服务已使它的令牌失效。",
};

/** Kinds of values, and other words that a template leaves open. */
export const WORDS: Record<string, string> = {
  null: " null",
  true: " true",
  false: " false",
  "a number": "数字",
  "a string": "字符串",
  "an array": "数组",
  "an object": "对象",
  "a string or an object": "字符串或对象",
  "a string or null": "字符串或 null",
  "an array of strings": "字符串数组",
  "an integer from 0 to 4294967295": " 0 到 4294967295 的整数",
  "a number of UNIX seconds": " UNIX 秒数",
  development: "开发环境",
  production: "正式环境",
};
