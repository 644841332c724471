//! What all texts and days of requests have in common, written into the document once instead of at each field.

use std::collections::HashSet;

use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::{ArrayItems, KnownFormat, Object, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Components, Content, OpenApi, Ref, RefOr, Schema};

use crate::openapi::operations;

/// Years that every part of the system can hold.
const DAY: &str = "^(19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}$";
/// Without control characters, and not only spaces.
const LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
/// The same, of several lines.
const LINES: &str = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x09\x0b-\x1f\x7f-\x9f]*$";
/// ASCII that needs no quotes, and a host with a dot.
const EMAIL: &str =
    "^[!#$%&'*+./0-9=?A-Z^_`a-z{|}~-]+@[!#$%&'*+/0-9=?A-Z^_`a-z{|}~-][!#$%&'*+./0-9=?A-Z^_`a-z{|}~-]*[.][!#$%&'*+./0-9=?A-Z^_`a-z{|}~-]+$";
/// Texts that may be longer have several lines.
const LINE_MOST: usize = 254;

/// Tightens what requests may hold to what is accepted; answers stay as they are.
pub(super) fn tighten(document: &mut OpenApi) {
    let mut bodies = Vec::new();
    // What comes from outside is taken as it is, and looked at later.
    let ours = document.paths.paths.iter_mut().filter(|(path, _)| !path.contains("/webhooks/")).map(|(_, item)| item);
    for operation in ours.flat_map(operations) {
        for parameter in operation.parameters.iter_mut().flatten() {
            let RefOr::T(parameter) = parameter else { continue };
            let Some(RefOr::T(schema)) = &mut parameter.schema else { continue };
            match (&parameter.parameter_in, schema) {
                (ParameterIn::Query, schema) => of_schema(schema, &mut Vec::new()),
                (ParameterIn::Header, Schema::Object(object)) if parameter.name == "Idempotency-Key" => of_key(object),
                // Headers hold what programs of all kinds send; what is none of ours is passed over.
                _ => {}
            }
        }
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            for schema in body.content.values_mut().filter_map(schema_of) {
                of_either(schema, &mut bodies);
            }
        }
    }
    if let Some(components) = &mut document.components {
        follow(components, bodies);
    }
}

fn schema_of(content: &mut RefOr<Content>) -> Option<&mut RefOr<Schema>> {
    match content {
        RefOr::T(content) => content.schema.as_mut(),
        RefOr::Ref(_) => None,
    }
}

/// The named schemas that bodies are made of, and those that these are made of.
fn follow(components: &mut Components, mut names: Vec<String>) {
    let mut seen = HashSet::new();
    while let Some(name) = names.pop() {
        if let (true, Some(schema)) = (seen.insert(name.clone()), components.schemas.get_mut(&name)) {
            of_either(schema, &mut names);
        }
    }
}

fn of_either(schema: &mut RefOr<Schema>, names: &mut Vec<String>) {
    match schema {
        RefOr::Ref(Ref { ref_location, .. }) => names.extend(ref_location.rsplit('/').next().map(str::to_owned)),
        RefOr::T(schema) => of_schema(schema, names),
    }
}

fn of_schema(schema: &mut Schema, names: &mut Vec<String>) {
    match schema {
        Schema::Object(object) => {
            of_text(object);
            object.properties.values_mut().for_each(|property| of_either(property, names));
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                of_either(items, names);
            }
        }
        Schema::OneOf(of) => of.items.iter_mut().for_each(|item| of_either(item, names)),
        Schema::AllOf(of) => of.items.iter_mut().for_each(|item| of_either(item, names)),
        Schema::AnyOf(of) => of.items.iter_mut().for_each(|item| of_either(item, names)),
        _ => {}
    }
}

/// As `once` reads it; some routes take shorter ones. Blanks behind are none of it by the time that anyone reads a header.
fn of_key(object: &mut Object) {
    object.pattern = Some("^[\\x21-\\x7e][\\t\\x20-\\x7e]*$".to_owned());
    object.min_length.get_or_insert(1);
    object.max_length.get_or_insert(255);
}

fn of_text(object: &mut Object) {
    let is_text = match &object.schema_type {
        SchemaType::Type(kind) => *kind == Type::String,
        SchemaType::Array(kinds) => kinds.contains(&Type::String),
        SchemaType::AnyValue => false,
    };
    if !is_text || object.enum_values.is_some() || object.pattern.is_some() {
        return;
    }
    match &object.format {
        Some(SchemaFormat::KnownFormat(KnownFormat::Date)) => object.pattern = Some(DAY.to_owned()),
        // Others that check this format are stricter than mail is.
        Some(SchemaFormat::KnownFormat(KnownFormat::Email)) => (object.pattern, object.format) = (Some(EMAIL.to_owned()), None),
        Some(_) => {}
        None => {
            let has_lines = object.max_length.is_some_and(|most| most > LINE_MOST);
            object.pattern = Some(if has_lines { LINES } else { LINE }.to_owned());
            object.min_length.get_or_insert(1);
        }
    }
}
