//! Which known word a misspelt one probably means.

/// The known word that `word` is a misspelling of: equal but for case and separators, or at most two edits away
/// (one, for words of up to four characters).
pub(crate) fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    // Longer than any known word by more than the edits allowed: not worth the quadratic distance.
    if word.len() > 40 {
        return None;
    }
    let plain = plain(word);
    if let Some(same) = known.iter().find(|candidate| self::plain(candidate) == plain) {
        return Some(same);
    }
    let most = if word.chars().count() <= 4 { 1 } else { 2 };
    known
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= most && *distance * 2 < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The edit distance in characters, where exchanging two neighbours is one edit (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut next = vec![i + 1];
        for j in 0..b.len() {
            let mut least = (row[j] + usize::from(a[i] != b[j])).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 5] = ["alert", "badge", "content-available", "mutable-content", "thread-id"];

    #[test]
    fn separators_case_and_small_slips_are_seen_through() {
        assert_eq!(nearest("content_available", &KEYS), Some("content-available"));
        assert_eq!(nearest("contentAvailable", &KEYS), Some("content-available"));
        assert_eq!(nearest("alerts", &KEYS), Some("alert"));
        assert_eq!(nearest("bagde", &KEYS), Some("badge"));
        assert_eq!(nearest("threadId", &KEYS), Some("thread-id"));
    }

    #[test]
    fn a_word_of_its_own_is_left_alone() {
        assert_eq!(nearest("url", &KEYS), None);
        assert_eq!(nearest("badgers-and-foxes", &KEYS), None);
        assert_eq!(nearest(&"é".repeat(5000), &KEYS), None);
    }
}
