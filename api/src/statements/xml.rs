//! XML in pieces: elements with a text, and elements in elements. What XML cannot hold is replaced.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// Writes a document, or a part of one, without white space between elements.
pub struct Xml<'a>(Writer<&'a mut Vec<u8>>);

impl<'a> Xml<'a> {
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self(Writer::new(out))
    }

    /// `<?xml ...?>`.
    pub fn declaration(&mut self) -> io::Result<()> {
        self.write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))
    }

    /// A start tag. Every `open` needs its `close`, perhaps in a later part.
    pub fn open(&mut self, name: &str) -> io::Result<()> {
        self.write(Event::Start(BytesStart::new(name)))
    }

    /// A start tag with one attribute.
    pub fn open_with(&mut self, name: &str, attribute: (&str, &str)) -> io::Result<()> {
        let mut start = BytesStart::new(name);
        start.push_attribute(attribute);
        self.write(Event::Start(start))
    }

    /// An end tag.
    pub fn close(&mut self, name: &str) -> io::Result<()> {
        self.write(Event::End(BytesEnd::new(name)))
    }

    /// An element with a text.
    pub fn leaf(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.open(name)?;
        self.text(text)?;
        self.close(name)
    }

    /// A text, with its markup escaped and what XML cannot hold replaced.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        let text = fit_for_xml(text);
        self.write(Event::Text(BytesText::new(&text)))
    }

    /// A text alone in nested elements: `["Id", "Othr"]` gives `<Id><Othr>text</Othr></Id>`.
    pub fn nested(&mut self, names: &[&str], text: &str) -> io::Result<()> {
        for name in names {
            self.open(name)?;
        }
        self.text(text)?;
        for name in names.iter().rev() {
            self.close(name)?;
        }
        Ok(())
    }

    fn write(&mut self, event: Event<'_>) -> io::Result<()> {
        self.0.write_event(event).map_err(io::Error::other)
    }
}

/// The text with U+FFFD for each character that XML 1.0 has no way to write.
fn fit_for_xml(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'.. => c,
            _ => char::REPLACEMENT_CHARACTER,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_leave_their_element() {
        let mut out = Vec::new();
        let mut xml = Xml::new(&mut out);
        xml.nested(&["A", "B"], "</B>]]>&\"'\u{0}\u{b}\u{FFFE}\tü🦀")
            .expect("writing to memory does not fail");
        let text = String::from_utf8(out).expect("XML is text");
        assert_eq!(
            text,
            "<A><B>&lt;/B&gt;]]&gt;&amp;&quot;&apos;\u{FFFD}\u{FFFD}\u{FFFD}\tü🦀</B></A>"
        );
    }
}
