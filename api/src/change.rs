//! The body of a PATCH: a JSON merge patch (RFC 7396). What is left out stays, `null` clears; the result is read as the whole thing
//! would be, so that no change gets by a check that creating does not.

use std::borrow::Cow;
use std::collections::HashSet;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::error::{ApiError, FieldError};

/// A change of what is written as `T` when it is created.
pub(crate) struct Change<T> {
    fields: Map<String, Value>,
    whole: PhantomData<T>,
}

impl<'de, T> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { fields: Map::deserialize(deserializer)?, whole: PhantomData })
    }
}

impl<T: Serialize + DeserializeOwned> Change<T> {
    /// What comes of `current`.
    ///
    /// # Errors
    /// [`ApiError::InvalidRequest`] names the field.
    pub fn of(self, current: &T) -> Result<T, ApiError> {
        let Ok(Value::Object(mut whole)) = serde_json::to_value(current) else {
            return Err(FieldError::new("", "must be an object").into());
        };
        let known: HashSet<String> = whole.keys().cloned().collect();
        whole.retain(|_, value| !value.is_null());
        for (field, value) in self.fields {
            // What is not known is refused below, whatever is said of it.
            match value.is_null() && known.contains(&field) {
                true => drop(whole.remove(&field)),
                false => drop(whole.insert(field, value)),
            }
        }
        serde_path_to_error::deserialize(Value::Object(whole)).map_err(|error| {
            let (path, detail) = (error.path().to_string(), error.inner().to_string());
            // Of a field that is missing or unknown only the message has the name, between backticks.
            let field = if path == "." { detail.split('`').nth(1).unwrap_or_default().to_owned() } else { path };
            FieldError::new(field, detail).into()
        })
    }

    /// Whether it says anything of this field.
    pub fn names(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// The fields that it says something of.
    pub fn fields(&self) -> Vec<String> {
        self.fields.keys().cloned().collect()
    }
}

/// As `T`, with nothing required.
impl<T: ToSchema> PartialSchema for Change<T> {
    fn schema() -> RefOr<Schema> {
        let mut schema = T::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            let required = std::mem::take(&mut object.required);
            for (_, property) in object.properties.iter_mut().filter(|(name, _)| !required.contains(*name)) {
                allow_null(property);
            }
            object.description = Some("What is left out stays; `null` clears.".to_owned());
        }
        schema
    }
}

/// What may be left out may be cleared.
fn allow_null(property: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = property
        && let SchemaType::Type(kind) = &object.schema_type
    {
        object.schema_type = SchemaType::Array(vec![kind.clone(), Type::Null]);
        object.enum_values.iter_mut().for_each(|values| values.push(Value::Null));
    }
}

impl<T: ToSchema> ToSchema for Change<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Change", T::name().trim_start_matches("New")).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}
