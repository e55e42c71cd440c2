//! XML in pieces: elements with a text, and elements in elements. A reader gets every character back; what XML cannot
//! hold is replaced.

use std::io;

use quick_xml::Writer;
use quick_xml::escape::escape;
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
    pub fn open_with(&mut self, name: &str, (attribute, value): (&str, &str)) -> io::Result<()> {
        // In an attribute, a reader turns tabs and line feeds into spaces unless they are escaped.
        let value = escaped(value).replace('\t', "&#9;").replace('\n', "&#10;");
        let mut start = BytesStart::new(name);
        start.push_attribute((attribute.as_bytes(), value.as_bytes()));
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
        self.write(Event::Text(BytesText::from_escaped(escaped(text))))
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

/// The text with its markup escaped, and its carriage returns, which a reader turns into line feeds otherwise.
fn escaped(text: &str) -> String {
    escape(&fit_for_xml(text)).replace('\r', "&#13;")
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

    fn written(write: impl FnOnce(&mut Xml<'_>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut Xml::new(&mut out)).expect("writing to memory does not fail");
        String::from_utf8(out).expect("XML is text")
    }

    #[test]
    fn texts_cannot_leave_their_element() {
        let text = written(|xml| xml.nested(&["A", "B"], "</B>]]>&\"'\u{0}\u{b}\u{FFFE}\tü🦀"));
        assert_eq!(
            text,
            "<A><B>&lt;/B&gt;]]&gt;&amp;&quot;&apos;\u{FFFD}\u{FFFD}\u{FFFD}\tü🦀</B></A>"
        );
    }

    #[test]
    fn line_ends_of_a_text_are_kept() {
        let text = written(|xml| xml.leaf("A", "a\r\nb\rc\n&#13;"));
        assert_eq!(text, "<A>a&#13;\nb&#13;c\n&amp;#13;</A>");
    }

    #[test]
    fn an_attribute_keeps_its_white_space_and_cannot_end_early() {
        let text = written(|xml| xml.open_with("A", ("b", "1\t2\n3\r4 \"<&\u{0}")));
        assert_eq!(text, "<A b=\"1&#9;2&#10;3&#13;4 &quot;&lt;&amp;\u{FFFD}\">");
    }
}
