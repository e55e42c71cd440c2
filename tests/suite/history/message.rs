//! A message as elements, and whether they are as `definition` has them.

use chrono::{DateTime, Utc};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::definition::{Leaf, NAMESPACE, TYPES, Type};

/// An element of a message.
#[derive(Debug, Default)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a whole document.
    pub fn read(document: &str) -> Self {
        let mut reader = Reader::from_str(document);
        // The first stands for the document itself.
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().expect("it is XML") {
                Event::Start(start) => open.push(Self::begun(&start)),
                Event::End(_) => {
                    let ended = open.pop().expect("an end tag has a start tag");
                    top(&mut open).children.push(ended);
                }
                Event::Text(text) => top(&mut open).text.push_str(&text.unescape().expect("it is escaped")),
                Event::Decl(_) => {}
                Event::Eof => break,
                other => panic!("{other:?}"),
            }
        }
        let outside = open.pop().expect("the document is left");
        assert!(
            open.is_empty() && outside.text.is_empty(),
            "it ends too early, or too late"
        );
        let [root] = <[Self; 1]>::try_from(outside.children).expect("a document has one element");
        root
    }

    fn begun(start: &BytesStart<'_>) -> Self {
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute.expect("an attribute can be read");
            let value = attribute.unescape_value().expect("it is escaped");
            (text_of(attribute.key.as_ref()), value.into_owned())
        });
        Self {
            name: text_of(start.name().as_ref()),
            attributes: attributes.collect(),
            ..Self::default()
        }
    }

    /// Every element at a path such as `Stmt/Ntry`.
    pub fn all(&self, path: &str) -> Vec<&Element> {
        path.split('/').fold(vec![self], |parents, name| {
            let children = parents.into_iter().flat_map(|parent| &parent.children);
            children.filter(|child| child.name == name).collect()
        })
    }

    /// The text of the one element at a path.
    #[track_caller]
    pub fn text_at(&self, path: &str) -> &str {
        let [one] = self.all(path)[..] else {
            panic!("not one {path} in {self:?}");
        };
        &one.text
    }

    /// Fails unless this is a whole message.
    pub fn is_message(&self) {
        assert_eq!(self.name, "Document");
        assert_eq!(self.attributes, [("xmlns".to_owned(), NAMESPACE.to_owned())]);
        self.has_children_of("Document", "Document");
    }

    /// Fails unless the element is of a type; `path` is where it stands.
    fn is_of(&self, path: &str, kind: Type) {
        match kind {
            Type::Of(name) => {
                assert!(self.attributes.is_empty(), "{path}: {:?}", self.attributes);
                self.has_children_of(path, name);
            }
            Type::Text(leaf) => {
                assert!(self.children.is_empty(), "{path} is a text");
                self.is_text_of(path, leaf);
            }
            Type::Unused => panic!("statements have no {path}"),
        }
    }

    fn has_children_of(&self, path: &str, name: &str) {
        let known = TYPES.iter().find(|known| known.name == name);
        let known = known.unwrap_or_else(|| panic!("no type {name} for {path}"));
        assert_eq!(self.text, "", "{path} has a text");
        let place = |child: &Element| {
            let found = known.children.iter().position(|(name, ..)| *name == child.name);
            found.unwrap_or_else(|| panic!("{path} has no {}", child.name))
        };
        assert!(
            self.children.iter().map(place).is_sorted(),
            "the order in {path}: {self:?}"
        );
        for (name, _, least, most) in known.children {
            let count = self.all(name).len();
            assert!((*least..=*most).contains(&count), "{count} {name} in {path}");
        }
        if known.is_choice {
            assert_eq!(self.children.len(), 1, "{path} is a choice");
        }
        for child in &self.children {
            let (_, kind, ..) = known.children[place(child)];
            child.is_of(&format!("{path}/{}", child.name), kind);
        }
    }

    fn is_text_of(&self, path: &str, leaf: Leaf) {
        let text = self.text.as_str();
        assert_eq!(self.attributes.len(), usize::from(leaf == Leaf::Amount), "{path}");
        let fits = match leaf {
            Leaf::Max(most) => (1..=most).contains(&text.chars().count()),
            Leaf::DateTime => text.parse::<DateTime<Utc>>().is_ok(),
            Leaf::Currency => is_currency(text),
            Leaf::Code(codes) => codes.contains(&text),
            Leaf::Amount => {
                let (name, currency) = &self.attributes[0];
                name == "Ccy" && is_currency(currency) && is_amount(text)
            }
        };
        assert!(fits, "{path} is {text:?}, not {leaf:?}");
    }
}

fn top(open: &mut [Element]) -> &mut Element {
    open.last_mut().expect("the document itself is never closed")
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("names are texts")
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|letter| letter.is_ascii_uppercase())
}

/// At least zero, with at most 18 digits of which 5 may be decimals.
fn is_amount(text: &str) -> bool {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = [whole, decimals].concat();
    !whole.is_empty()
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && decimals.len() <= 5
        && digits.trim_start_matches('0').len() <= 18
}
