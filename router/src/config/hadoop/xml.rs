//! The XML of a Hadoop configuration file.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::Error;

/// One `<property>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) name: String,
    /// None for a property without a value, or with an empty element for it, which Hadoop leaves out: an earlier one stays.
    pub(super) value: Option<String>,
    /// Later files cannot change it.
    pub(super) is_final: bool,
    /// Where it begins, counted from 1.
    pub(super) line: usize,
}

/// The properties of a file in their order.
pub(super) fn parse(file: &str, text: &str) -> Result<Vec<Property>, Error> {
    let mut parser =
        Parser { reader: Reader::from_str(text), file, text, path: Vec::new(), open: None, done: Vec::new() };
    while parser.step()? {}
    Ok(parser.done)
}

/// Elements below `<property>` that mean something; others (description, source, tag) are read past.
const FIELDS: [&str; 3] = ["name", "value", "final"];

struct Parser<'a> {
    reader: Reader<&'a [u8]>,
    file: &'a str,
    text: &'a str,
    /// The elements around.
    path: Vec<String>,
    open: Option<Open>,
    done: Vec<Property>,
}

/// A property that is being read.
#[derive(Default)]
struct Open {
    line: usize,
    fields: [Option<String>; 3],
}

impl Parser<'_> {
    /// Takes one event; false at the end.
    fn step(&mut self) -> Result<bool, Error> {
        match self.reader.read_event() {
            Ok(Event::Start(element)) => self.enter(&element)?,
            Ok(Event::Empty(element)) => {
                self.enter(&element)?;
                self.leave()?;
            }
            Ok(Event::End(_)) => self.leave()?,
            Ok(Event::Text(text)) => self.content(&text.xml10_content())?,
            Ok(Event::CData(text)) => self.content(&text.xml10_content())?,
            Ok(Event::GeneralRef(reference)) => {
                let letter = self.resolve(&reference)?;
                self.content(letter.encode_utf8(&mut [0; 4]))?;
            }
            Ok(Event::DocType(_)) => return Err(self.error("a document type is not read; leave <!DOCTYPE> out")),
            Ok(Event::Eof) if self.path.is_empty() => return Ok(false),
            Ok(Event::Eof) => return Err(self.error(&format!("the file ends inside <{}>", self.path.join("><")))),
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_)) => {}
            Err(error) => return Err(self.error(&format!("not XML: {error}"))),
        }
        Ok(true)
    }

    fn enter(&mut self, element: &BytesStart<'_>) -> Result<(), Error> {
        let name = element.name().as_ref().to_owned();
        let name = String::from_utf8_lossy(name.as_ref()).into_owned();
        if name.rsplit(':').next() == Some("include") {
            return Err(self.error("xi:include is not followed; put the properties into this file"));
        }
        let inside_property = self.open.is_some();
        match (self.path.len(), name.as_str()) {
            (0, "configuration") => {}
            (0, _) => return Err(self.error(&format!("<{name}> at the top; expected <configuration>"))),
            (_, "configuration") if !inside_property => {}
            (_, "property") if !inside_property => {
                let open = Open { line: self.line(), ..Open::default() };
                self.open = Some(open);
                self.attributes(element)?;
            }
            _ if inside_property => {}
            _ => return Err(self.error(&format!("<{name}> in <configuration>; expected <property>"))),
        }
        self.path.push(name);
        Ok(())
    }

    /// Hadoop also takes name, value and final as attributes.
    fn attributes(&mut self, element: &BytesStart<'_>) -> Result<(), Error> {
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| self.error(&format!("not XML: {error}")))?;
            let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
            let value = value.map_err(|error| self.error(&format!("not XML: {error}")))?.into_owned();
            let field = FIELDS.iter().position(|field| attribute.key.as_ref() == *field);
            if let (Some(field), Some(open)) = (field, &mut self.open) {
                open.fields[field] = Some(value);
            }
        }
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Error> {
        if self.path.pop().as_deref() != Some("property") {
            return Ok(());
        }
        let Some(open) = self.open.take() else { return Ok(()) };
        let [name, value, is_final] = open.fields.map(|field| field.map(|text| text.trim().to_owned()));
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Err(Error::Xml {
                file: self.file.to_owned(),
                line: open.line,
                problem: "<property> without <name>".to_owned(),
            });
        };
        self.done.push(Property { name, value, is_final: is_final.as_deref() == Some("true"), line: open.line });
        Ok(())
    }

    fn content(&mut self, text: &str) -> Result<(), Error> {
        let field = self.path.last().and_then(|name| FIELDS.iter().position(|field| field == name));
        match (field, &mut self.open) {
            (Some(field), Some(open)) => open.fields[field].get_or_insert_default().push_str(text),
            (_, Some(_)) => {}
            (_, None) if text.trim().is_empty() => {}
            (_, None) => return Err(self.error(&format!("text {:?} outside of <property>", text.trim()))),
        }
        Ok(())
    }

    fn resolve(&self, reference: &BytesRef<'_>) -> Result<char, Error> {
        let character = reference.resolve_char_ref().map_err(|error| self.error(&format!("not XML: {error}")))?;
        let named = || match &**reference {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => None,
        };
        character.or_else(named).ok_or_else(|| self.error(&format!("&{}; is not known", &**reference)))
    }

    fn line(&self) -> usize {
        let read = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX).min(self.text.len());
        self.text.as_bytes()[..read].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn error(&self, problem: &str) -> Error {
        Error::Xml { file: self.file.to_owned(), line: self.line(), problem: problem.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: Option<&str>, is_final: bool, line: usize) -> Property {
        Property { name: name.to_owned(), value: value.map(str::to_owned), is_final, line }
    }

    #[test]
    fn properties_are_read_in_all_their_forms() {
        let text = "<?xml version=\"1.0\"?>\n<?xml-stylesheet href=\"x\"?>\n<!-- a -->\n<configuration>\n\
            <property><name> a </name><value>\n 1 &amp; 2 </value><description>x &lt; y</description></property>\n\
            <property name=\"b\" value=\"&lt;2&gt;\" final=\"true\"/>\n\
            <property><name>c</name><value/></property>\n<property><name>d</name></property>\n\
            <property><name>e</name><value><![CDATA[<5>]]></value><final>true</final></property>\n\
            <configuration><property><name>f</name><value>&#54;</value></property></configuration>\n</configuration>";
        let expected = [
            one("a", Some("1 & 2"), false, 5),
            one("b", Some("<2>"), true, 7),
            one("c", None, false, 8),
            one("d", None, false, 9),
            one("e", Some("<5>"), true, 10),
            one("f", Some("6"), false, 11),
        ];
        assert_eq!(parse("x.xml", text).unwrap(), expected);
    }

    #[test]
    fn what_is_not_read_is_told_with_its_line() {
        let cases = [
            (
                "<configuration>\n<property><value>1</value></property></configuration>",
                "x.xml:2: <property> without <name>",
            ),
            ("<configuration>\n<property>", "x.xml:2: the file ends inside <configuration><property>"),
            ("<a/>", "x.xml:1: <a> at the top; expected <configuration>"),
            ("<configuration>\n\n<prop/></configuration>", "x.xml:3: <prop> in <configuration>; expected <property>"),
            ("<configuration>\nx</configuration>", "x.xml:2: text \"x\" outside of <property>"),
            (
                "<configuration xmlns:xi=\"http://www.w3.org/2001/XInclude\">\n<xi:include href=\"a\"/></configuration>",
                "x.xml:2: xi:include is not followed; put the properties into this file",
            ),
            (
                "<!DOCTYPE x [<!ENTITY a \"b\">]>\n<configuration/>",
                "x.xml:1: a document type is not read; leave <!DOCTYPE> out",
            ),
            ("<configuration>&nbsp;</configuration>", "x.xml:1: &nbsp; is not known"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse("x.xml", text).unwrap_err().to_string(), expected);
        }
        for text in ["<configuration></property>", "<configuration", "<configuration><property></configuration>"] {
            let error = parse("x.xml", text).unwrap_err().to_string();
            assert!(error.starts_with("x.xml:1: not XML: "), "{error}");
        }
    }
}
