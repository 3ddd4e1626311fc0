//! Folds the case of texts, so that texts that differ only in case become equal.
//!
//! Owns the choice of Unicode's simple case folding (the entries C and S of `CaseFolding.txt`). It maps each character
//! to one character, whatever its neighbours and the language, so that a text begins, ends or continues after folding
//! as it did before. Full case folding, which makes `ß` equal to `ss`, does not have this property.

use icu_casemap::{CaseMapper, CaseMapperBorrowed};

const MAPPER: CaseMapperBorrowed<'static> = CaseMapper::new();

/// The character in its folded case.
pub(crate) fn fold_char(character: char) -> char {
    if character.is_ascii() { character.to_ascii_lowercase() } else { MAPPER.simple_fold(character) }
}

/// The characters of the text in their folded case.
pub(crate) fn folded_chars(text: &str) -> impl DoubleEndedIterator<Item = char> {
    text.chars().map(fold_char)
}

/// The text in its folded case.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { folded_chars(text).collect() }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

    use super::*;

    /// The characters that the other implementation's version of Unicode assigns.
    fn assigned() -> HashSet<char> {
        let class = regex_syntax::parse(r"\P{Unassigned}").unwrap();
        let HirKind::Class(Class::Unicode(class)) = class.into_kind() else { panic!("a class of characters") };
        class.iter().flat_map(|range| range.start()..=range.end()).collect()
    }

    /// The characters that are equal to this one if case does not count, by the tables of another implementation.
    fn equal_to(character: char) -> Vec<char> {
        let mut class = ClassUnicode::new([ClassUnicodeRange::new(character, character)]);
        class.case_fold_simple();
        class.ranges().iter().flat_map(|range| range.start()..=range.end()).collect()
    }

    #[test]
    fn every_character_is_equal_to_the_same_ones_as_in_another_implementation() {
        let assigned = assigned();
        let mut folded = 0;
        let mut equal: BTreeMap<char, Vec<char>> = BTreeMap::new();
        for character in ('\0'..=char::MAX).filter(|character| assigned.contains(character)) {
            equal.entry(fold_char(character)).or_default().push(character);
            folded += usize::from(fold_char(character) != character);
        }
        assert!(assigned.len() > 250_000 && folded > 1400, "{} {folded}", assigned.len());
        for characters in equal.values() {
            for character in characters {
                assert_eq!(&equal_to(*character), characters, "U+{:04X}", u32::from(*character));
            }
        }
    }

    #[test]
    fn folding_twice_changes_nothing() {
        for character in '\0'..=char::MAX {
            assert_eq!(fold_char(fold_char(character)), fold_char(character));
        }
    }

    #[test]
    fn texts_fold_to_what_the_standard_says() {
        for (text, folded) in [
            ("Maße", "maße"),
            ("ẞ", "ß"),
            ("ΟΔΟΣ", "οδοσ"),
            ("οδος", "οδοσ"),
            ("µ", "μ"),
            ("ſ", "s"),
            ("K", "k"),
            // Turkish letters fold only in Turkish (entries T), and İ has a full folding alone (entry F).
            ("İIı", "İiı"),
            ("Ꭰꭰ", "ᎠᎠ"),
            ("𐐀", "𐐨"),
            ("ffi ŉ", "ffi ŉ"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }
}
