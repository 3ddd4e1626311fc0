//! Makes text from events safe for a line, a paragraph or a mail header.
//! Owns which characters are removed. Does not filter words.

/// Removes line breaks, control characters, and characters that change the direction of writing.
pub(crate) fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|char| if is_break(char) { ' ' } else { char }).collect();
    spaced.chars().filter(|char| !is_unshown(*char)).collect::<String>().trim().to_owned()
}

/// Like [`one_line`], but keeps line breaks.
pub(crate) fn paragraph(text: &str) -> String {
    let lines: Vec<String> = text.replace("\r\n", "\n").split(['\n', '\r']).map(without_unshown).collect();
    lines.join("\n").trim().to_owned()
}

fn without_unshown(line: &str) -> String {
    line.chars().map(|char| if char == '\t' { ' ' } else { char }).filter(|char| !is_unshown(*char)).collect()
}

fn is_break(char: char) -> bool {
    matches!(char, '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Control characters, and those that turn the direction of writing: `gpj.exe` must not read as `exe.jpg`.
fn is_unshown(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_stays_one_line() {
        assert_eq!(one_line("a\r\nBcc: x@y.z"), "a  Bcc: x@y.z");
        assert_eq!(one_line(" a\u{2028}b\u{0}\u{1b}[31m\u{202e}c\t"), "a b[31mc");
    }

    #[test]
    fn a_paragraph_keeps_its_lines() {
        assert_eq!(paragraph("a\r\nb\rc\nd\u{7}\n"), "a\nb\nc\nd");
    }
}
