//! JSON objects where serde would take an array, too.
//!
//! A struct with derived `Deserialize` also reads the array of its fields. Our peers send objects;
//! taking more would be a second, undocumented form of every request.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// Reads `T` from an object and from nothing else.
pub(crate) struct Object<T>(pub(crate) T);

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }

    /// serde's own message would repeat the text, which may be a token in the wrong place.
    fn visit_str<E: Error>(self, _: &str) -> Result<Object<T>, E> {
        Err(E::custom("a string in place of an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Name {
        name: String,
    }

    #[test]
    fn an_object_is_read_and_an_array_is_not() {
        let name = serde_json::from_str::<Object<Name>>(r#"{"name":"a"}"#);
        assert_eq!(name.unwrap().0.name, "a");
        for json in [r#"["a"]"#, "[]", "null", "1", "{}"] {
            assert!(
                serde_json::from_str::<Object<Name>>(json).is_err(),
                "{json}"
            );
        }
    }

    #[test]
    fn a_string_is_not_repeated() {
        let error = serde_json::from_str::<Object<Name>>(r#""secret""#).err();
        let message = error.unwrap().to_string();
        assert!(!message.contains("secret"), "{message}");
    }
}
