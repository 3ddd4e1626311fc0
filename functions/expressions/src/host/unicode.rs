//! Characters as in Unicode 14, the version of CPython 3.11.
//!
//! Owns the properties and mappings on which the methods of `str` depend. The standard library and `regex` know newer
//! versions, so that a character which Unicode 14 does not assign has neither properties nor a case here.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;
use unicase::UniCase;

/// What no library has, as CPython prints it.
static TABLE: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| include_str!("unicode.txt").lines().filter_map(|line| line.split_once(": ")).collect());
/// Characters outside the category N that are numeric.
static NUMERIC: LazyLock<HashSet<char>> = LazyLock::new(|| characters("numeric"));
/// Characters outside the category Nd that are digits.
static DIGITS: LazyLock<HashSet<char>> = LazyLock::new(|| characters("digit"));
/// The title case, where it is not the upper case.
static TITLES: LazyLock<HashMap<char, String>> = LazyLock::new(|| {
    let entries = TABLE.get("title").into_iter().flat_map(|line| line.split(' '));
    entries.filter_map(|entry| entry.split_once('=')).filter_map(title_entry).collect()
});
/// Characters whose properties later versions changed.
const LATER_LOWERCASE: [char; 5] = ['\u{10fc}', '\u{a7f2}', '\u{a7f3}', '\u{a7f4}', '\u{ab69}'];
const LATER_IDENTIFIERS: [char; 4] = ['\u{200c}', '\u{200d}', '\u{30fb}', '\u{ff65}'];
/// What is lower case in Unicode 14, and no longer.
const ONCE_LOWERCASE: char = '\u{295}';
/// What is ignored around a sigma in Unicode 14, and no longer.
const ONCE_IGNORABLE: char = '\u{1171e}';

fn characters(property: &str) -> HashSet<char> {
    let ranges = TABLE.get(property).into_iter().flat_map(|line| line.split(' '));
    let parsed = ranges.filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(character(first)?..=character(last)?)
    });
    parsed.flatten().collect()
}

fn title_entry((letter, title): (&str, &str)) -> Option<(char, String)> {
    Some((character(letter)?, title.split('+').filter_map(character).collect()))
}

fn character(hexadecimal: &str) -> Option<char> {
    u32::from_str_radix(hexadecimal, 16).ok().and_then(char::from_u32)
}

/// A class of characters, as a pattern of `regex`.
struct CharacterClass(LazyLock<Option<Regex>>);

impl CharacterClass {
    fn has(&self, letter: char) -> bool {
        self.0.as_ref().is_some_and(|class| class.is_match(letter.encode_utf8(&mut [0; 4])))
    }
}

static ASSIGNED: CharacterClass = CharacterClass(LazyLock::new(|| Regex::new(r"\p{Age=14.0}").ok()));
static LETTER: CharacterClass = CharacterClass(LazyLock::new(|| Regex::new(r"\p{L}").ok()));
static NUMBER: CharacterClass = CharacterClass(LazyLock::new(|| Regex::new(r"\p{N}").ok()));
static DECIMAL: CharacterClass = CharacterClass(LazyLock::new(|| Regex::new(r"\p{Nd}").ok()));
static TITLE: CharacterClass = CharacterClass(LazyLock::new(|| Regex::new(r"\p{Lt}").ok()));
static IGNORABLE: CharacterClass = CharacterClass(LazyLock::new(|| Regex::new(r"\p{Case_Ignorable}").ok()));
static START: CharacterClass = CharacterClass(LazyLock::new(|| Regex::new(r"\p{XID_Start}").ok()));
static CONTINUE: CharacterClass = CharacterClass(LazyLock::new(|| Regex::new(r"\p{XID_Continue}").ok()));
static HIDDEN: CharacterClass = CharacterClass(LazyLock::new(|| Regex::new(r"[\p{C}\p{Z}--\x20]").ok()));

fn is_assigned(letter: char) -> bool {
    letter.is_ascii() || ASSIGNED.has(letter)
}

fn is_lower(letter: char) -> bool {
    letter == ONCE_LOWERCASE || (letter.is_lowercase() && !LATER_LOWERCASE.contains(&letter) && is_assigned(letter))
}

fn is_upper(letter: char) -> bool {
    letter.is_uppercase() && is_assigned(letter)
}

fn is_title(letter: char) -> bool {
    !letter.is_ascii() && TITLE.has(letter)
}

fn is_cased(letter: char) -> bool {
    is_lower(letter) || is_upper(letter) || is_title(letter)
}

fn is_ignorable(letter: char) -> bool {
    letter == ONCE_IGNORABLE || (IGNORABLE.has(letter) && is_assigned(letter))
}

fn is_alpha(letter: char) -> bool {
    LETTER.has(letter) && is_assigned(letter)
}

fn is_decimal(letter: char) -> bool {
    DECIMAL.has(letter) && is_assigned(letter)
}

fn is_digit(letter: char) -> bool {
    is_decimal(letter) || DIGITS.contains(&letter)
}

fn is_numeric(letter: char) -> bool {
    (NUMBER.has(letter) && is_assigned(letter)) || NUMERIC.contains(&letter)
}

fn is_identifier(text: &str) -> bool {
    let is_known = |letter: char| is_assigned(letter) && !LATER_IDENTIFIERS.contains(&letter);
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first == '_' || (START.has(first) && is_known(first)))
        && letters.all(|letter| CONTINUE.has(letter) && is_known(letter))
}

/// Whether all cased characters are of one case, and there is one.
fn is_of_case(text: &str, is_case: impl Fn(char) -> bool) -> bool {
    let mut cased = text.chars().filter(|letter| is_cased(*letter)).peekable();
    cased.peek().is_some() && cased.all(is_case)
}

fn is_titled(text: &str) -> bool {
    let (mut after_cased, mut any) = (false, false);
    for letter in text.chars() {
        let begins = is_upper(letter) || is_title(letter);
        if begins == after_cased && (begins || is_lower(letter)) {
            return false;
        }
        after_cased = begins || is_lower(letter);
        any |= after_cased;
    }
    any
}

/// The mapping of a character, unless Unicode 14 does not have it.
fn mapped(letter: char, mapping: impl Iterator<Item = char> + Clone) -> String {
    let is_known = is_assigned(letter) && mapping.clone().all(is_assigned);
    if is_known { mapping.collect() } else { letter.to_string() }
}

fn upper(letter: char) -> String {
    mapped(letter, letter.to_uppercase())
}

fn title(letter: char) -> String {
    TITLES.get(&letter).cloned().unwrap_or_else(|| upper(letter))
}

/// The lower case of one character of a text. A sigma at the end of a word has its own.
fn lower(letters: &[char], at: usize) -> String {
    let letter = letters[at];
    if letter != 'Σ' {
        return mapped(letter, letter.to_lowercase());
    }
    let next_is_cased = |mut around: Box<dyn Iterator<Item = &char> + '_>| {
        around.find(|letter| !is_ignorable(**letter)).is_some_and(|letter| is_cased(*letter))
    };
    let is_final =
        next_is_cased(Box::new(letters[..at].iter().rev())) && !next_is_cased(Box::new(letters[at + 1..].iter()));
    if is_final { "ς".to_owned() } else { "σ".to_owned() }
}

fn folded(letter: char) -> String {
    let folded = UniCase::unicode(letter.to_string()).to_folded_case();
    mapped(letter, folded.chars())
}

/// What a method of `str` that asks about the characters returns; `None` if it is not such a method.
pub(super) fn ask(method: &str, text: &str) -> Option<bool> {
    let all = |is: fn(char) -> bool| !text.is_empty() && text.chars().all(is);
    Some(match method {
        "isalpha" => all(is_alpha),
        "isalnum" => all(|letter| is_alpha(letter) || is_numeric(letter) || is_digit(letter)),
        "isdecimal" => all(is_decimal),
        "isdigit" => all(is_digit),
        "isnumeric" => all(is_numeric),
        "isidentifier" => is_identifier(text),
        "isprintable" => text.chars().all(|letter| is_assigned(letter) && !HIDDEN.has(letter)),
        "islower" => is_of_case(text, is_lower),
        "isupper" => is_of_case(text, is_upper),
        "istitle" => is_titled(text),
        _ => return None,
    })
}

/// What a method of `str` that changes the case returns; `None` if it is not such a method.
pub(super) fn change(method: &str, text: &str) -> Option<String> {
    let letters: Vec<char> = text.chars().collect();
    let each = |change: &dyn Fn(usize) -> String| (0..letters.len()).map(change).collect::<String>();
    Some(match method {
        "upper" => each(&|at| upper(letters[at])),
        "lower" => each(&|at| lower(&letters, at)),
        "casefold" => each(&|at| folded(letters[at])),
        "capitalize" => each(&|at| if at == 0 { title(letters[0]) } else { lower(&letters, at) }),
        "title" => each(&|at| {
            if at > 0 && is_cased(letters[at - 1]) { lower(&letters, at) } else { title(letters[at]) }
        }),
        "swapcase" => each(&|at| {
            if is_upper(letters[at]) {
                lower(&letters, at)
            } else if is_lower(letters[at]) {
                upper(letters[at])
            } else {
                letters[at].to_string()
            }
        }),
        _ => return None,
    })
}
