//! The modules `hashlib` and `hmac`, for authors who sign a payload in a mapping.
//!
//! Owns sha256, sha1, sha512, sha384, sha224 and md5. Nuncio itself uses none of these, so that the weak algorithms are
//! the author's decision.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use monty_types::{ExcType, MontyException, MontyObject};
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use super::objects::{HostObject, no_method};
use super::{Arguments, CallResult, Host, function, raise};
use crate::value;

/// The state of a `hashlib` or `hmac` object: the input so far.
#[derive(Debug, Clone)]
pub(crate) struct HashState {
    algorithm: Algorithm,
    key: Option<Vec<u8>>,
    data: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    const ALL: [(&'static str, Self); 6] = [
        ("md5", Self::Md5),
        ("sha1", Self::Sha1),
        ("sha224", Self::Sha224),
        ("sha256", Self::Sha256),
        ("sha384", Self::Sha384),
        ("sha512", Self::Sha512),
    ];

    fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase().replace('-', "");
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    fn block_size(self) -> i64 {
        if matches!(self, Self::Sha384 | Self::Sha512) { 128 } else { 64 }
    }
}

impl HashState {
    fn bytes(&self) -> Vec<u8> {
        macro_rules! digest {
            ($hash:ty) => {
                match &self.key {
                    // HMAC accepts a key of any length, so that this never fails.
                    Some(key) => Hmac::<$hash>::new_from_slice(key).map_or_else(
                        |_| Vec::new(),
                        |mac| mac.chain_update(&self.data).finalize().into_bytes().to_vec(),
                    ),
                    None => <$hash>::digest(&self.data).to_vec(),
                }
            };
        }
        match self.algorithm {
            Algorithm::Md5 => digest!(Md5),
            Algorithm::Sha1 => digest!(Sha1),
            Algorithm::Sha224 => digest!(Sha224),
            Algorithm::Sha256 => digest!(Sha256),
            Algorithm::Sha384 => digest!(Sha384),
            Algorithm::Sha512 => digest!(Sha512),
        }
    }

    pub(crate) fn hexadecimal(&self) -> String {
        hexadecimal(&self.bytes())
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<MontyObject> {
        Some(match name {
            "name" if self.key.is_some() => value::text(format!("hmac-{}", self.algorithm.name())),
            "name" => value::text(self.algorithm.name()),
            "digest_size" => MontyObject::Int(i64::try_from(self.bytes().len()).unwrap_or_default()),
            "block_size" => MontyObject::Int(self.algorithm.block_size()),
            _ => return None,
        })
    }
}

/// The bytes in lower-case hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// A module's function used as a value, as in `hmac.new(key, message, hashlib.sha256)`.
pub(crate) fn attribute(module: &str, name: &str) -> Option<MontyObject> {
    if module == "hashlib" {
        Algorithm::named(name).map(|algorithm| function(&format!("hashlib.{}", algorithm.name())))
    } else {
        None
    }
}

impl Host<'_> {
    pub(crate) fn module_call(&mut self, module: &str, name: &str, mut arguments: Arguments) -> CallResult {
        match (module, name) {
            ("hashlib", "new") => {
                let algorithm = arguments.text("new", 0, "name")?;
                let data = arguments.take_optional(1, "data");
                self.digest(&algorithm, None, data)
            }
            ("hashlib", algorithm) if Algorithm::named(algorithm).is_some() => self.hashlib(algorithm, arguments),
            ("hmac", "new") => {
                let key = bytes(&arguments.take("new", 0, "key")?)?;
                let message = arguments.take_optional(1, "msg");
                let algorithm = algorithm_of(&arguments.take("new", 2, "digestmod")?)?;
                self.digest(&algorithm, Some(key), message)
            }
            ("hmac", "digest") => {
                let key = bytes(&arguments.take(name, 0, "key")?)?;
                let data = bytes(&arguments.take(name, 1, "msg")?)?;
                let algorithm = known(&algorithm_of(&arguments.take(name, 2, "digest")?)?)?;
                Ok(MontyObject::Bytes(HashState { algorithm, key: Some(key), data }.bytes()))
            }
            ("hmac", "compare_digest") => {
                let (one, other) = (arguments.take(name, 0, "a")?, arguments.take(name, 1, "b")?);
                if matches!((&one, &other), (MontyObject::String(one), MontyObject::String(other)) if one.is_ascii() && other.is_ascii())
                    || matches!((&one, &other), (MontyObject::Bytes(_), MontyObject::Bytes(_)))
                {
                    return Ok(MontyObject::Bool(one == other));
                }
                let message = match (&one, &other) {
                    (MontyObject::String(_), MontyObject::String(_)) => {
                        "comparing strings with non-ASCII characters is not supported".to_owned()
                    }
                    _ => format!(
                        "unsupported operand types(s) or combination of types: '{}' and '{}'",
                        one.type_name(),
                        other.type_name()
                    ),
                };
                Err(raise(ExcType::TypeError, message))
            }
            _ => Err(raise(ExcType::AttributeError, format!("module '{module}' has no attribute '{name}'"))),
        }
    }

    pub(crate) fn hashlib(&mut self, algorithm: &str, mut arguments: Arguments) -> CallResult {
        let data = arguments.take_optional(0, "string");
        let _ = arguments.take_optional(usize::MAX, "usedforsecurity");
        if let Some((name, _)) = arguments.named.first() {
            let message = format!("'{name}' is an invalid keyword argument for openssl_{algorithm}()");
            return Err(raise(ExcType::TypeError, message));
        }
        self.digest(algorithm, None, data)
    }

    fn digest(&mut self, algorithm: &str, key: Option<Vec<u8>>, data: Option<MontyObject>) -> CallResult {
        let algorithm = known(algorithm)?;
        let data = match data {
            None | Some(MontyObject::None) => Vec::new(),
            Some(data) => bytes(&data)?,
        };
        let class = if key.is_some() { "HMAC" } else { "HASH" };
        Ok(self.object(class, HostObject::Digest(HashState { algorithm, key, data }), Vec::new()))
    }

    pub(crate) fn digest_call(&mut self, id: u128, name: &str, mut arguments: Arguments) -> CallResult {
        let Some(HostObject::Digest(mut digest)) = self.known_digest(id) else {
            return Err(no_method("HASH", name));
        };
        Ok(match name {
            "hexdigest" => value::text(digest.hexadecimal()),
            "digest" => MontyObject::Bytes(digest.bytes()),
            "update" => {
                digest.data.extend(bytes(&arguments.take(name, 0, "data")?)?);
                self.change(id, HostObject::Digest(digest));
                MontyObject::None
            }
            "copy" => self.object("HASH", HostObject::Digest(digest), Vec::new()),
            _ => return Err(no_method("HASH", name)),
        })
    }

    fn known_digest(&self, id: u128) -> Option<HostObject> {
        self.objects.get(usize::try_from(id).ok()?.checked_sub(1)?).cloned()
    }
}

fn known(algorithm: &str) -> Result<Algorithm, MontyException> {
    Algorithm::named(algorithm).ok_or_else(|| {
        let known = Algorithm::ALL.map(|(name, _)| name).join(", ");
        raise(
            ExcType::ValueError,
            format!("unsupported hash type {algorithm}: Nuncio's Python has no such hash; use one of {known}"),
        )
    })
}

/// The name of the algorithm, given as `"sha256"` or `hashlib.sha256`.
fn algorithm_of(argument: &MontyObject) -> Result<String, MontyException> {
    match argument {
        MontyObject::String(name) => Ok(name.clone()),
        MontyObject::Function { name, .. } => Ok(name.trim_start_matches("hashlib.").to_owned()),
        _ => Err(raise(ExcType::TypeError, "Missing required argument 'digestmod'.")),
    }
}

fn bytes(argument: &MontyObject) -> Result<Vec<u8>, MontyException> {
    match argument {
        MontyObject::Bytes(bytes) => Ok(bytes.clone()),
        MontyObject::String(_) => Err(raise(ExcType::TypeError, "Strings must be encoded before hashing")),
        other => {
            Err(raise(ExcType::TypeError, format!("a bytes-like object is required, not '{}'", other.type_name())))
        }
    }
}
