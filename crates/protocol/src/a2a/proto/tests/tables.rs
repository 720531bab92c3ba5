use std::collections::BTreeSet;

use prost_reflect::{FieldDescriptor, Kind as Official, MessageDescriptor};

use super::{
    super::schema::{Field, Kind, Label},
    official, *,
};

#[test]
fn every_table_is_what_the_official_file_says() {
    for version in Version::ALL {
        let mut seen = BTreeSet::new();
        for (_, schema) in schemas().into_iter().filter(|(of, _)| *of == version) {
            compare(version, schema, &mut seen);
        }
        compare(version, card(version), &mut seen);
        let package = official::package(version);
        let unused: Vec<_> = official::pool()
            .all_messages()
            .filter(|message| message.package_name() == package && !message.is_map_entry())
            .map(|message| message.name().to_owned())
            .filter(|name| !seen.contains(name))
            .collect();
        assert!(unused.is_empty(), "{version}: no table for {unused:?}");
    }
}

fn compare(version: Version, schema: &'static Schema, seen: &mut BTreeSet<String>) {
    if !seen.insert(schema.name().to_owned()) {
        return;
    }
    let theirs = official::message(official::package(version), schema.name());
    compare_fields(schema, &theirs);
    for field in schema.fields {
        if let Kind::Message(inner) = field.kind {
            compare(version, inner, seen);
        }
    }
}

/// One table and one official message, field by field.
fn compare_fields(schema: &'static Schema, theirs: &MessageDescriptor) {
    assert!(schema.fields.len() <= 64, "the encoder remembers 64 fields");
    assert!(schema.fields.is_sorted_by_key(|field| field.number), "{}", schema.name());
    assert_eq!(schema.fields.len(), theirs.fields().len(), "{}", schema.name());
    let alternatives = theirs.oneofs().filter(|oneof| !oneof.is_synthetic()).count();
    assert!(alternatives <= 1, "{}: the tables know one oneof a message", schema.name());
    let mut names = BTreeSet::new();
    for field in schema.fields {
        let official = theirs.get_field(field.number).expect("a field of that number");
        let place = format!("{}.{}", schema.name(), official.name());
        assert_eq!((field.name, field.json), (official.name(), official.json_name()), "{place}");
        assert!(names.insert(field.name) | names.insert(field.json), "{place} is ambiguous");
        assert_eq!(field.label, label(&official), "{place}");
        compare_kind(field, &official, &place);
    }
}

fn label(official: &FieldDescriptor) -> Label {
    if official.is_map() {
        return Label::Map;
    }
    if official.is_list() {
        return Label::Repeated;
    }
    match official.containing_oneof() {
        Some(oneof) if oneof.is_synthetic() => Label::Optional,
        Some(_) => Label::OneOf,
        None => Label::Implicit,
    }
}

fn compare_kind(field: &Field, official: &FieldDescriptor, place: &str) {
    let mut theirs = official.kind();
    if let (true, Official::Message(entry)) = (official.is_map(), &theirs) {
        assert_eq!(entry.map_entry_key_field().kind(), Official::String, "{place}");
        theirs = entry.map_entry_value_field().kind();
    }
    if official.is_list() {
        let delimited = matches!(field.kind, Kind::String | Kind::Bytes | Kind::Message(_));
        assert!(delimited, "{place}: the decoder knows no packed fields");
    }
    match (field.kind, theirs) {
        (Kind::Bool, Official::Bool)
        | (Kind::Int32, Official::Int32)
        | (Kind::String, Official::String)
        | (Kind::Bytes, Official::Bytes) => {}
        (Kind::Enum(names), Official::Enum(theirs)) => {
            let theirs: Vec<_> =
                theirs.values().map(|value| (value.number(), value.name().to_owned())).collect();
            let ours = (0..).zip(names.0.iter().map(|name| (*name).to_owned()));
            assert_eq!(ours.collect::<Vec<_>>(), theirs, "{place}");
        }
        (kind, Official::Message(theirs)) => {
            let expected = match kind {
                Kind::Message(schema) => {
                    format!("{}.{}", official.parent_message().package_name(), schema.name())
                }
                Kind::Struct => "google.protobuf.Struct".to_owned(),
                Kind::Value => "google.protobuf.Value".to_owned(),
                Kind::Timestamp => "google.protobuf.Timestamp".to_owned(),
                Kind::Duration => "google.protobuf.Duration".to_owned(),
                scalar => panic!("{place} is a message, not {scalar:?}"),
            };
            // Messages inside of messages have no package of their own.
            let nested = theirs.parent_message().map_or(theirs.full_name().to_owned(), |_| {
                format!("{}.{}", theirs.package_name(), theirs.name())
            });
            assert_eq!(expected, nested, "{place}");
        }
        (kind, theirs) => panic!("{place} is {theirs:?}, not {kind:?}"),
    }
}

#[test]
fn the_services_take_and_give_these_messages_under_these_names() {
    for version in Version::ALL {
        let theirs = official::pool().get_service_by_name(service(version)).expect("the service");
        let mut methods: BTreeSet<_> = theirs.methods().map(|method| method.name().to_owned()).collect();
        for operation in Operation::ALL {
            let Some(name) = operation.grpc(version) else {
                assert!(super::super::request(version, operation).is_none());
                assert!(super::super::response(version, operation).is_none());
                continue;
            };
            let method = theirs.methods().find(|method| method.name() == name).expect("the method");
            assert_eq!(method.input().name(), request(version, operation).name(), "{name}");
            assert_eq!(method.output().name(), response(version, operation).name(), "{name}");
            assert_eq!(method.is_server_streaming(), operation.streams(), "{name}");
            assert!(!method.is_client_streaming(), "{name}");
            methods.remove(name);
        }
        assert!(methods.is_empty(), "{version}: nobody calls {methods:?}");
        assert_eq!(card(version).name(), "AgentCard");
    }
}

/// Whether another module's table, and those in it, are what the official message says.
pub(crate) fn assert_official(schema: &'static Schema, theirs: &MessageDescriptor) {
    compare_fields(schema, theirs);
    for field in schema.fields {
        if let (Kind::Message(inner), Some(field)) = (field.kind, theirs.get_field(field.number)) {
            let Official::Message(theirs) = field.kind() else { panic!("compared before") };
            assert_official(inner, &theirs);
        }
    }
}
