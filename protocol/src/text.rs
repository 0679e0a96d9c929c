//! Strings of the protocol: valid UTF-8 over shared bytes, so that a decoded name borrows from its frame.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use bytes::Bytes;

/// A string that shares the memory it was decoded from. Keep one for long only after [`Text::detached`]: otherwise it
/// holds on to the whole frame.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(Bytes);

impl Text {
    /// A constant string; allocates nothing.
    pub const fn from_static(text: &'static str) -> Text {
        Text(Bytes::from_static(text.as_bytes()))
    }

    /// Takes bytes that must be UTF-8; nothing where they are not.
    pub fn from_utf8(bytes: Bytes) -> Option<Text> {
        std::str::from_utf8(&bytes).is_ok().then_some(Text(bytes))
    }

    /// The string.
    pub fn as_str(&self) -> &str {
        // Checked again rather than trusted: without `unsafe` there is no unchecked way, and names are short.
        std::str::from_utf8(&self.0).expect("a Text is made from UTF-8 alone")
    }

    /// The bytes behind it.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The same string in memory of its own, for keeping beyond the request.
    pub fn detached(&self) -> Text {
        Text(Bytes::copy_from_slice(&self.0))
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

/// As `str` hashes, so that maps keyed by `Text` can be asked with a `&str`.
impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text(Bytes::from(text))
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Text {
        Text::from(text.as_str())
    }
}

impl From<&Text> for Text {
    fn from(text: &Text) -> Text {
        text.clone()
    }
}

impl From<Text> for String {
    fn from(text: Text) -> String {
        text.as_str().to_owned()
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::DefaultHasher;

    #[test]
    fn text_hashes_and_orders_as_its_str() {
        let hash = |value: &dyn Fn(&mut DefaultHasher)| {
            let mut hasher = DefaultHasher::new();
            value(&mut hasher);
            hasher.finish()
        };
        let (text, plain) = (Text::from_static("größe"), "größe");
        assert_eq!(hash(&|hasher| text.hash(hasher)), hash(&|hasher| plain.hash(hasher)));
        assert!(Text::from_static("a") < Text::from_static("é"));
        assert_eq!(text, "größe");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        assert_eq!(Text::from_utf8(Bytes::from_static(&[0xc3, 0x28])), None);
    }

    #[test]
    fn detached_text_leaves_its_frame() {
        let frame = Bytes::from(vec![b'a'; 100]);
        let text = Text::from_utf8(frame.slice(..3)).unwrap();
        let detached = text.detached();
        assert_eq!(detached, text);
        assert_ne!(detached.as_bytes().as_ptr(), frame.as_ptr());
    }
}
