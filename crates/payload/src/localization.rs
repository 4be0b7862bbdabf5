//! Fills the arguments of a localised text into its placeholders. Which text a key stands for is the device's
//! affair, as it depends on the language that is current when the notification is shown.

/// Fills `args` into `format`: `%@` takes the next one, `%2$@` the second, `%%` is a percent sign. A placeholder
/// without an argument leaves nothing; any other `%` stays as it is.
pub fn resolve(format: &str, args: &[String]) -> String {
    let mut text = String::with_capacity(format.len());
    let mut rest = format;
    let mut next = 0;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            text.push('%');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('@') {
            text.push_str(args.get(next).map_or("", String::as_str));
            next += 1;
            rest = after;
        } else if let Some((position, after)) = positional(rest) {
            let arg = position.checked_sub(1).and_then(|index| args.get(index));
            text.push_str(arg.map_or("", String::as_str));
            rest = after;
        } else {
            text.push('%');
        }
    }
    text.push_str(rest);
    text
}

/// Reads `2$@` after a percent sign: the position and what follows.
fn positional(rest: &str) -> Option<(usize, &str)> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = rest[digits..].strip_prefix("$@")?;
    // Too large a position is just one without an argument.
    (digits > 0).then(|| (rest[..digits].parse().unwrap_or(usize::MAX), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(args: &[&str]) -> Vec<String> {
        args.iter().map(|arg| (*arg).to_owned()).collect()
    }

    #[test]
    fn placeholders_take_arguments_in_order_or_by_position() {
        assert_eq!(resolve("%@ hat %@ geschickt", &args(&["Ann", "2"])), "Ann hat 2 geschickt");
        assert_eq!(resolve("%2$@ von %1$@", &args(&["Ann", "2"])), "2 von Ann");
        assert_eq!(resolve("%2$@%@%@", &args(&["a", "b"])), "bab");
        assert_eq!(resolve("100 %% 你好 %@", &args(&["%@"])), "100 % 你好 %@");
    }

    #[test]
    fn missing_arguments_and_odd_formats_leave_the_rest_alone() {
        assert_eq!(resolve("%@/%@/%3$@/%0$@/%99999999999999999999999$@.", &args(&["a"])), "a////.");
        assert_eq!(resolve("%", &[]), "%");
        assert_eq!(resolve("%d %1$ %1 %$@", &args(&["a"])), "%d %1$ %1 %$@");
    }
}
