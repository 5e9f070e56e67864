//! How values and defaults of options are read and told. Used by the options of `tympan train`.

use std::fmt::Display;

use serde::de::{DeserializeOwned, value};

/// A value by the name that manifests give it; the error lists the names there are.
pub fn by_name<T: DeserializeOwned>(name: &str) -> Result<T, String> {
    let deserializer = value::StrDeserializer::<value::Error>::new(name);
    T::deserialize(deserializer).map_err(|error| error.to_string())
}

/// Help that tells the default.
pub fn with_default(text: &str, default: impl Display) -> String {
    format!("{text} [default: {default}]")
}
