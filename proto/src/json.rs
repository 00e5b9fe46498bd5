//! Messages as JSON, as Triton prints them over HTTP what it sends over gRPC as a message.
//!
//! Differs from protobuf's own JSON as Triton does: names as in the `.proto` file, 64-bit integers
//! as numbers, defaults printed; messages that are not set are absent. Fields come in the order of
//! their declaration and maps in that of their keys, so that equal messages print equally.

use prost::Name;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value};
use serde_json::Value as Json;

use crate::schema;

/// A message that has a JSON form: every one of ours.
pub trait Message: prost::Message + Name {}

impl<M: prost::Message + Name> Message for M {}

/// `message` as one line of JSON.
pub fn to_json<M: Message>(message: &M) -> String {
    let mut out = String::new();
    // The descriptors are those that the message was generated from, so it has one and fits it.
    if let Some(schema) = schema::message(&M::full_name()) {
        let mut dynamic = DynamicMessage::new(schema);
        if dynamic.transcode_from(message).is_ok() {
            write_message(&mut out, &dynamic);
        }
    }
    out
}

fn write_message(out: &mut String, message: &DynamicMessage) {
    let schema = message.descriptor();
    let declared = schema.descriptor_proto().field.iter();
    let fields = declared
        .filter_map(|field| schema.get_field_by_name(field.name()))
        .filter(|field| !field.supports_presence() || message.has_field(field));
    out.push('{');
    for (index, field) in fields.enumerate() {
        write_key(out, index, field.name());
        write_field(out, &field, &message.get_field(&field));
    }
    out.push('}');
}

fn write_field(out: &mut String, field: &FieldDescriptor, value: &Value) {
    match (value, field.kind()) {
        (Value::List(list), kind) => {
            out.push('[');
            for (index, value) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, &kind, value);
            }
            out.push(']');
        }
        (Value::Map(map), Kind::Message(entry)) => {
            let kind = entry.map_entry_value_field().kind();
            let mut entries: Vec<_> =
                map.iter().map(|(key, value)| (key_text(key), value)).collect();
            entries.sort_by(|one, two| one.0.cmp(&two.0));
            out.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                write_key(out, index, &key);
                write_value(out, &kind, value);
            }
            out.push('}');
        }
        (value, kind) => write_value(out, &kind, value),
    }
}

fn write_key(out: &mut String, index: usize, key: &str) {
    if index > 0 {
        out.push(',');
    }
    out.push_str(&Json::from(key).to_string());
    out.push(':');
}

fn write_value(out: &mut String, kind: &Kind, value: &Value) {
    let json = match value {
        Value::Message(message) => return write_message(out, message),
        Value::EnumNumber(number) => match kind {
            Kind::Enum(desc) => desc
                .get_value(*number)
                .map_or(Json::from(*number), |value| Json::from(value.name())),
            _ => Json::from(*number),
        },
        Value::String(text) => Json::from(text.as_str()),
        Value::Bool(value) => Json::from(*value),
        Value::I32(value) => Json::from(*value),
        Value::I64(value) => Json::from(*value),
        Value::U32(value) => Json::from(*value),
        Value::U64(value) => Json::from(*value),
        Value::F32(value) => return write_float(out, value.is_finite(), value),
        Value::F64(value) => return write_float(out, value.is_finite(), value),
        // No message that HTTP prints has bytes; lists and maps are fields, which were told apart above.
        Value::Bytes(_) | Value::List(_) | Value::Map(_) => Json::Null,
    };
    out.push_str(&json.to_string());
}

/// The shortest text that reads back the same; what JSON has no number for is a string, as in
/// protobuf's JSON.
fn write_float(out: &mut String, is_finite: bool, value: &(impl std::fmt::Display + ?Sized)) {
    if is_finite {
        out.push_str(&value.to_string());
    } else {
        let name = value.to_string().replace("inf", "Infinity");
        out.push_str(&Json::from(name).to_string());
    }
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::String(text) => text.clone(),
        MapKey::Bool(value) => value.to_string(),
        MapKey::I32(value) => value.to_string(),
        MapKey::I64(value) => value.to_string(),
        MapKey::U32(value) => value.to_string(),
        MapKey::U64(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests;
