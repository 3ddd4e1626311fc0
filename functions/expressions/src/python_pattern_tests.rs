//! Every text is a pattern for the engine or an error.

use proptest::prelude::*;

use super::translate;

fn pythonic() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "é", ".", "^", "$", "*", "+", "?", "{2}", "{,3}", "{", "(", ")", "(?:", "(?P<n>", "(?P=n)", "(?=", "(?<!",
        "(?i)", "(?s-i:", "[", "]", "[^", "-", "\\d", "\\W", "\\b", "\\Z", "\\1", "\\x41", "\\", "|", "#", " ",
        "(?(1)", "&&", "++", "(?>", "(?#c)",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_translated_is_a_pattern_of_the_engine(pattern in pythonic(), flags in 0..128_i64) {
        if let Ok(translated) = translate(&pattern, flags) {
            let compiled = fancy_regex::Regex::new(&translated.text);
            prop_assert!(compiled.is_ok(), "{pattern:?} -> {:?}: {:?}", translated.text, compiled.err());
            prop_assert_eq!(compiled.unwrap().captures_len(), translated.groups.len() + 1);
        }
    }
}
