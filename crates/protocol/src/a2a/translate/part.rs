//! Parts: flat in 1.0, a text, a file or an object in 0.3.

use super::super::{Dialect, write::ObjectWriter};
use super::error::{Reason, Untranslatable};
use super::fields::Fields;
use super::shapes;
use super::walk::{Done, Walk, text};
use crate::json::{Object, Value};

/// What marks an object that stands for another value: 0.3 has objects only. Both SDKs write it and read it.
const WRAPPED: &str = "data_part_compat";

/// What a part holds, in no dialect.
#[derive(Clone, Copy)]
enum Content<'v> {
    Text(Value<'v>),
    Bytes(Value<'v>),
    Uri(Value<'v>),
    Data(Value<'v>),
}

/// A part, in no dialect.
struct Part<'v> {
    content: Content<'v>,
    media_type: Option<Value<'v>>,
    filename: Option<Value<'v>>,
    metadata: Option<Object<'v>>,
}

impl Walk {
    /// One part.
    pub(super) fn part(&self, value: Value<'_>, out: &mut Vec<u8>) -> Done {
        let fields = Fields::read(self, &shapes::PART, value)?;
        let part = match self.from {
            Dialect::V1 => read_v1(&fields)?,
            Dialect::V03Rpc => self.read_0_3(&fields, named_kind(value)?)?,
            Dialect::V03Proto => self.read_0_3(&fields, None)?,
        };
        part.check()?;
        let mut object = ObjectWriter::begin(out);
        match self.to {
            Dialect::V1 => self.write_v1(&part, &mut object),
            Dialect::V03Rpc | Dialect::V03Proto => self.write_0_3(&part, &mut object),
        }
        self.finish(&fields, object);
        Ok(())
    }

    fn read_0_3<'v>(&self, fields: &Fields<'v>, kind: Option<&str>) -> Result<Part<'v>, Untranslatable> {
        let of_kind = |name: &str| kind.is_none_or(|kind| kind == name);
        let member = |name: &str| fields.get(self.from, name).filter(|_| of_kind(name));
        let mut part = Part {
            content: match (member("text"), member("file"), member("data")) {
                (Some(text), None, None) => Content::Text(text),
                (None, Some(file), None) => Content::Uri(file),
                (None, None, Some(data)) => Content::Data(data),
                _ => return Err(Reason::Content.into()),
            },
            media_type: None,
            filename: None,
            metadata: metadata(fields, self.from)?,
        };
        match part.content {
            Content::Uri(file) => self.read_file(file, &mut part).map_err(|error| error.within("file"))?,
            Content::Data(data) if self.from == Dialect::V03Proto => {
                let inner = Fields::read(self, &shapes::DATA, data).map_err(|error| error.within("data"))?;
                let inner = inner.get(self.from, "data").ok_or(Reason::Missing);
                part.content = Content::Data(inner.map_err(|reason| reason.at("data.data"))?);
            }
            _ => {}
        }
        match part.content {
            Content::Data(data) if data.as_object().is_none() => Err(Reason::Must("an object").at("data")),
            _ => Ok(part),
        }
    }

    fn read_file<'v>(&self, file: Value<'v>, part: &mut Part<'v>) -> Done {
        let fields = Fields::read(self, &shapes::FILE, file)?;
        let (bytes, uri) = match self.from {
            Dialect::V03Proto => ("fileWithBytes", "fileWithUri"),
            Dialect::V1 | Dialect::V03Rpc => ("bytes", "uri"),
        };
        part.content = match (fields.get(self.from, bytes), fields.get(self.from, uri)) {
            (Some(bytes), None) => Content::Bytes(bytes),
            (None, Some(uri)) => Content::Uri(uri),
            _ => return Err(Reason::Content.into()),
        };
        part.media_type = fields.get(self.from, "mimeType");
        part.filename = fields.get(self.from, "name");
        Ok(())
    }

    fn write_v1(&self, part: &Part<'_>, object: &mut ObjectWriter<'_>) {
        let unwrapped = if self.same() { None } else { part.unwrapped() };
        match part.content {
            Content::Text(text) => object.raw("text", text.raw()),
            Content::Bytes(bytes) => object.raw("raw", bytes.raw()),
            Content::Uri(uri) => object.raw("url", uri.raw()),
            Content::Data(data) => object.raw("data", unwrapped.unwrap_or(data).raw()),
        }
        for (name, value) in [("mediaType", part.media_type), ("filename", part.filename)] {
            if let Some(value) = value.filter(|value| value.raw() != b"\"\"") {
                object.raw(name, value.raw());
            }
        }
        let Some(metadata) = part.metadata else { return };
        if unwrapped.is_none() {
            object.raw("metadata", metadata.value().raw());
        } else if metadata.members().any(|member| member.name != WRAPPED) {
            write_metadata(Some(metadata), false, object.member("metadata"));
        }
    }

    fn write_0_3(&self, part: &Part<'_>, object: &mut ObjectWriter<'_>) {
        let rpc = self.to == Dialect::V03Rpc;
        let mut wrapped = false;
        let kind = match part.content {
            Content::Text(_) => "text",
            Content::Bytes(_) | Content::Uri(_) => "file",
            Content::Data(_) => "data",
        };
        if rpc {
            object.string("kind", kind);
        }
        match part.content {
            Content::Text(text) => object.raw("text", text.raw()),
            Content::Bytes(bytes) => {
                part.write_file(if rpc { "bytes" } else { "fileWithBytes" }, bytes, object.member("file"));
            }
            Content::Uri(uri) => {
                part.write_file(if rpc { "uri" } else { "fileWithUri" }, uri, object.member("file"));
            }
            Content::Data(data) => {
                wrapped = data.as_object().is_none();
                write_data(data, !rpc, object.member("data"));
            }
        }
        match part.metadata {
            metadata if wrapped => write_metadata(metadata, true, object.member("metadata")),
            Some(metadata) => object.raw("metadata", metadata.value().raw()),
            None => {}
        }
    }
}

impl<'v> Part<'v> {
    /// What is not an object is a string, or anything where it is data.
    fn check(&self) -> Done {
        let (name, content) = match self.content {
            Content::Text(value) => ("text", Some(value)),
            Content::Bytes(value) => ("bytes", Some(value)),
            Content::Uri(value) => ("url", Some(value)),
            Content::Data(_) => ("data", None),
        };
        for (name, value) in [(name, content), ("mediaType", self.media_type), ("filename", self.filename)] {
            if let Some(value) = value {
                text(value).map_err(|error| error.within(name))?;
            }
        }
        Ok(())
    }

    /// The value that an object of 0.3 stands for, where it says that it does. An object stands for itself.
    fn unwrapped(&self) -> Option<Value<'v>> {
        let Content::Data(data) = self.content else { return None };
        let marked = self.metadata?.get(WRAPPED)?.as_bool()?;
        data.as_object()?.get("value").filter(|value| marked && value.as_object().is_none())
    }

    fn write_file(&self, name: &str, content: Value<'_>, out: &mut Vec<u8>) {
        let mut file = ObjectWriter::begin(out);
        file.raw(name, content.raw());
        for (name, value) in [("mimeType", self.media_type), ("name", self.filename)] {
            if let Some(value) = value.filter(|value| value.raw() != b"\"\"") {
                file.raw(name, value.raw());
            }
        }
        file.end();
    }
}

/// The kind that JSON-RPC of 0.3 writes. SDKs read parts without one by what they have.
fn named_kind(part: Value<'_>) -> Result<Option<&'static str>, Untranslatable> {
    let Some(kind) = part.as_object().and_then(|part| part.get("kind")) else { return Ok(None) };
    let kind = kind.as_str().unwrap_or_default();
    let known = ["text", "file", "data"].into_iter().find(|known| *known == kind);
    known.map(Some).ok_or_else(|| Reason::Must("`text`, `file` or `data`").at("kind"))
}

fn read_v1<'v>(fields: &Fields<'v>) -> Result<Part<'v>, Untranslatable> {
    let member = |name: &str| fields.get(Dialect::V1, name);
    // `null` is a value of data, unless there is another content.
    let data = member("data");
    let content = match (member("text"), member("raw"), member("url"), data) {
        (Some(text), None, None, None) => Some(Content::Text(text)),
        (None, Some(raw), None, None) => Some(Content::Bytes(raw)),
        (None, None, Some(url), None) => Some(Content::Uri(url)),
        (None, None, None, Some(data)) => Some(Content::Data(data)),
        (None, None, None, None) => fields.or_null(Dialect::V1, "data").map(Content::Data),
        _ => None,
    };
    Ok(Part {
        content: content.ok_or(Reason::Content)?,
        media_type: member("mediaType"),
        filename: member("filename"),
        metadata: metadata(fields, Dialect::V1)?,
    })
}

fn metadata<'v>(fields: &Fields<'v>, from: Dialect) -> Result<Option<Object<'v>>, Untranslatable> {
    let object = |value: Value<'v>| value.as_object().ok_or(Reason::Must("an object").at("metadata"));
    fields.get(from, "metadata").map(object).transpose()
}

/// An object, or one that stands for the value; the proto has it inside another one.
fn write_data(data: Value<'_>, proto: bool, out: &mut Vec<u8>) {
    let wrap: &[&[u8]] = match (data.as_object().is_none(), proto) {
        (false, false) => &[b"", b""],
        (true, false) => &[b"{\"value\":", b"}"],
        (false, true) => &[b"{\"data\":", b"}"],
        (true, true) => &[b"{\"data\":{\"value\":", b"}}"],
    };
    out.extend_from_slice(wrap[0]);
    out.extend_from_slice(data.raw());
    out.extend_from_slice(wrap[1]);
}

/// Metadata with the mark, or without it.
fn write_metadata(metadata: Option<Object<'_>>, marked: bool, out: &mut Vec<u8>) {
    let mut object = ObjectWriter::begin(out);
    let members = metadata.into_iter().flat_map(Object::members);
    for member in members.filter(|member| member.name != WRAPPED) {
        object.raw(&member.name, member.value.raw());
    }
    if marked {
        object.bool(WRAPPED, true);
    }
    object.end();
}
