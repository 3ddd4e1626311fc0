//! Python that is added to a body: what the interpreter lacks, or does differently from CPython.
//!
//! Owns how the files of the prelude are divided into pieces. A piece is a function, a class or an assignment at the
//! top of a file. A body gets the pieces that it needs, and those that these mention; they stand after the body and run
//! before it.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use crate::cpython;

/// The files, in the order in which their pieces are added.
const FILES: [&str; 12] = [
    include_str!("prelude/iterators.py"),
    include_str!("prelude/builtins.py"),
    include_str!("prelude/operators.py"),
    include_str!("prelude/keys.py"),
    include_str!("prelude/formats.py"),
    include_str!("prelude/ordering.py"),
    include_str!("prelude/methods.py"),
    include_str!("prelude/re.py"),
    include_str!("prelude/isoformat.py"),
    include_str!("prelude/percent.py"),
    include_str!("prelude/dumps.py"),
    include_str!("prelude/datetimes.py"),
];

/// What begins the names that a body cannot have.
const OWN: &str = "_nuncio_";

/// Classes whose names users see, under names of our own elsewhere.
const CLASSES: [&str; 1] = ["generator"];

/// One piece of the prelude.
struct Piece {
    name: &'static str,
    text: &'static str,
    /// The names of its own kind that it mentions.
    mentions: HashSet<&'static str>,
}

static PIECES: LazyLock<Vec<Piece>> = LazyLock::new(|| FILES.into_iter().flat_map(pieces).collect());
static NAMES: LazyLock<HashMap<&'static str, usize>> =
    LazyLock::new(|| PIECES.iter().enumerate().map(|(at, piece)| (piece.name, at)).collect());

fn pieces(file: &'static str) -> Vec<Piece> {
    let mut starts: Vec<usize> = std::iter::once(0).chain(file.match_indices('\n').map(|(at, _)| at + 1)).collect();
    starts.retain(|at| file[*at..].starts_with(|first: char| first.is_ascii_alphabetic() || first == '_'));
    starts.push(file.len());
    starts.windows(2).map(|bounds| piece(&file[bounds[0]..bounds[1]])).collect()
}

fn piece(text: &'static str) -> Piece {
    let mut words = words(text);
    let name = match words.next() {
        Some("def" | "class") => words.next(),
        Some("import") => words.last(),
        other => other,
    };
    let mentions = self::words(text).filter(|word| word.starts_with(OWN) || CLASSES.contains(word)).collect();
    Piece { name: name.unwrap_or_default(), text, mentions }
}

fn words(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').filter(|word| !word.is_empty())
}

/// Whether the prelude defines the name.
pub(crate) fn defines(name: &str) -> bool {
    NAMES.contains_key(name)
}

/// The text of the pieces of these names, and of those that they mention.
pub(crate) fn text(names: &HashSet<String>) -> String {
    let mut wanted: Vec<usize> = names.iter().filter_map(|name| NAMES.get(name.as_str()).copied()).collect();
    let mut methods: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix("_nuncio_method_")).collect();
    methods.sort_unstable();
    if methods.iter().any(|name| defines(&format!("_nuncio_call_{name}"))) {
        let routed = methods.iter().filter_map(|name| NAMES.get(format!("_nuncio_call_{name}").as_str()).copied());
        wanted.extend(routed);
    }
    if !methods.is_empty() {
        wanted.extend(NAMES.get("_nuncio_unbound"));
    }
    let mut added = HashSet::new();
    while let Some(at) = wanted.pop() {
        if added.insert(at) {
            wanted.extend(PIECES[at].mentions.iter().filter_map(|name| NAMES.get(name).copied()));
        }
    }
    let pieces = PIECES.iter().enumerate().filter(|(at, _)| added.contains(at));
    let mut text: String = pieces.map(|(_, piece)| piece.text).collect();
    text.extend(methods.into_iter().map(method));
    text
}

/// The classes of addresses and networks, with the attributes that the body mentions: their names, in the order in
/// which the host passes them. `with_module` adds the module `ipaddress`.
pub(crate) fn addresses(address: &[&str], network: &[&str], mentions: &HashSet<String>, with_module: bool) -> String {
    let lines = |version: u8| {
        let mut lines = String::new();
        for (at, name) in address.iter().enumerate() {
            let field = at + 3;
            let _ = match *name {
                "is_site_local" | "ipv4_mapped" if version == 4 => Ok(()),
                "ipv4_mapped" => {
                    writeln!(lines, "        self.{name} = fields[{field}] and IPv4Address(fields[{field}])")
                }
                _ => writeln!(lines, "        self.{name} = fields[{field}]"),
            };
        }
        lines
    };
    let mut network_lines = String::new();
    for (at, name) in network.iter().enumerate() {
        let field = at + 5;
        let value = match *name {
            "network_address" | "broadcast_address" | "netmask" | "hostmask" => {
                format!("ip_address(fields[{field}][2])")
            }
            "num_addresses" => format!("2 ** fields[{field}]"),
            _ => format!("fields[{field}]"),
        };
        let _ = writeln!(network_lines, "        self.{name} = {value}");
    }
    let mut methods = include_str!("prelude/templates/network_methods.py").to_owned();
    if ["hosts", "subnets", "supernet"].iter().any(|name| mentions.contains(*name)) {
        methods.push_str(include_str!("prelude/templates/network_parts.py"));
    }
    let mut text = include_str!("prelude/templates/addresses.py")
        .replace("#ADDRESS4\n", &lines(4))
        .replace("#ADDRESS6\n", &lines(6))
        .replace("#FIELDS\n", include_str!("prelude/templates/network_fields.py"))
        .replace("#NETWORK\n", &network_lines)
        .replace("#METHODS\n", &methods);
    if with_module {
        text.push_str(include_str!("prelude/templates/ipaddress.py"));
    }
    text
}

/// A method of a built-in type as a value: `text.lower`, `str.lower`.
fn method(name: &str) -> String {
    let routed = format!("_nuncio_call_{name}");
    let text = include_str!("prelude/templates/method.py").replace("TYPES", &cpython::types_with(name).join(", "));
    let text = if defines(&routed) {
        text.replace("of.NAME(", &format!("{routed}(of, ")).replace("value.NAME(", &format!("{routed}(value, "))
    } else {
        text
    };
    text.replace("NAME", name)
}
