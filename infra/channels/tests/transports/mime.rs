//! Reads a mail as its recipient's program would, enough for what Nuncio writes.

/// A mail, or one part of it.
#[derive(Debug)]
pub(crate) struct MimePart {
    headers: Vec<(String, String)>,
    body: String,
}

impl MimePart {
    pub(crate) fn read(text: &str) -> Self {
        let text = text.replace("\r\n", "\n");
        let (head, body) = text.split_once("\n\n").expect("an empty line behind the headers");
        let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
        let headers = unfolded
            .lines()
            .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("no header: {line}")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self { headers, body: body.to_owned() }
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let values: Vec<_> = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).collect();
        assert_eq!(values.len(), 1, "{name}: {:?}", self.headers);
        &values[0].1
    }

    /// The parts of a multipart body.
    pub(crate) fn parts(&self) -> Vec<Self> {
        let boundary = self.header("Content-Type").split_once("boundary=\"").expect("a boundary").1;
        let boundary = format!("--{}", boundary.split_once('"').unwrap().0);
        let (inside, _) = self.body.split_once(&format!("{boundary}--")).expect("an end");
        inside.split(&boundary).skip(1).map(|part| Self::read(part.trim_start_matches('\n'))).collect()
    }

    /// The text, decoded.
    pub(crate) fn text(&self) -> String {
        match self.header("Content-Transfer-Encoding") {
            "7bit" => self.body.clone(),
            "quoted-printable" => quoted_printable(&self.body),
            "base64" => {
                use base64::Engine;
                let joined: String = self.body.split_whitespace().collect();
                String::from_utf8(base64::engine::general_purpose::STANDARD.decode(joined).unwrap()).unwrap()
            }
            other => panic!("encoding {other}"),
        }
    }
}

fn quoted_printable(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        if *first == b'=' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&rest[..2]).unwrap(), 16).unwrap());
            rest = &rest[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).unwrap()
}
