// Chinese: the sender's side.

import type { Policy, ReasonKind } from "../../api/provider";
import type { Environment } from "../../api/session";
import type { Dictionary } from "../en";

const POLICIES: Record<Policy, string> = { "last-device": "最后登录的设备", "all-devices": "全部设备" };
const ENVIRONMENTS: Record<Environment, string> = { development: "开发环境", production: "正式环境" };

const WHY_NOT: Record<ReasonKind, string> = {
  withdrawn: "未发送",
  failed: "放弃发送",
  refused: "被拒绝",
  ended: "未送达",
  suppressed: "未显示",
};

export const sender: Pick<Dictionary, "environments" | "policies" | "send" | "pushes" | "funnel" | "users"> = {
  environments: ENVIRONMENTS,
  policies: POLICIES,
  send: {
    title: "发送推送",
    to: "发给",
    user: "用户",
    token: "令牌",
    tokenHint: "留空则发给当前这台 iPhone",
    part: "显示哪一部分",
    fields: "字段",
    payload: "载荷",
    fieldTitle: "标题",
    subtitle: "副标题",
    body: "正文",
    badge: "角标",
    sound: "声音",
    noSound: "无",
    url: "点开后的页面（userInfo.url）",
    more: "更多选项",
    policy: "发到用户的哪些 iPhone",
    policyOfApp: (policy) => (policy === undefined ? "按应用的设置" : `按应用的设置：${POLICIES[policy]}`),
    expiration: "iPhone 离线时保留多久",
    expirations: {
      "": "由推送服务决定",
      "0": "不保留，只试一次",
      "60": "1 分钟",
      "3600": "1 小时",
      "86400": "1 天",
    },
    priority: "优先级",
    priorities: { "": "按推送类型", "10": "10：立即", "5": "5：兼顾电量", "1": "1：不唤醒设备" },
    level: "打扰级别",
    levels: { "": "主动（active）", passive: "被动（passive）", "time-sensitive": "时效性（time-sensitive）" },
    collapse: "合并标识（collapse-id）",
    silent: "静默推送：只唤醒应用，什么都不显示",
    backToFields: "回到字段",
    bytes: (bytes, limit) => `${bytes} / ${limit} 字节`,
    findings: "检查结果",
    fine: "没有问题",
    do: "发送",
    sending: "正在发送…",
    planned: (n) => `已受理：计划发送 ${n} 条通知。`,
    plannedNone: "已受理，但没有可以送达的设备。",
    lacks: {
      user: "请填写要发给哪个用户。",
      token: "这台 iPhone 还没有令牌：粘贴一个，或改为发给用户。",
      json: "载荷不是 JSON 对象：请改正，或回到字段。",
    },
    example: {
      title: "老灯塔重新亮了起来",
      body: "熄灭九年之后，灯又亮了。点开阅读全文。",
      badge: "1",
      sound: "default",
      url: "https://news.example/lighthouse",
    },
  },
  pushes: {
    title: "推送记录",
    none: "还没有推送",
    noneMend: "发出上面这一条，各步的数字会在这里实时变化。",
    older: "显示更早的",
    toUser: (user) => `发给 ${user}`,
    toToken: (token) => `发给令牌 ${token}`,
    toTag: (tag) => `发给带标签 ${tag} 的设备`,
    users: (n) => `${n} 个用户`,
    tokens: (n) => `${n} 个令牌`,
    because: (kind, reason) => `${WHY_NOT[kind]}：${reason}`,
  },
  funnel: {
    planned: "计划",
    sent: "已发",
    accepted: "已接受",
    delivered: "已送达",
    displayed: "已显示",
    opened: "已点开",
  },
  users: {
    title: "谁登录在哪台设备上",
    none: "没有人登录",
    noneMend: "在 iPhone 上登录：打开“新闻”，点右上角的账号。",
  },
};
