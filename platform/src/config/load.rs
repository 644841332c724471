//! Reads file and environment, refuses what it does not know, and remembers where every value came from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use config::{Config as Layers, Map, Source, Value};

use super::{Config, ConfigError, FILE_VARIABLE, Origin, Setting};

type Variables = BTreeMap<OsString, OsString>;

impl Config {
    /// As [`Config::load`] with an environment of the caller's. A variable that is set to nothing counts as unset; `VARIABLE_FILE` names a file
    /// with the value of `VARIABLE`.
    pub fn load_with(file: Option<&Path>, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, ConfigError> {
        let variables: Variables = environment.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let known = Self::default().settings();
        let file = file.map(Path::to_owned).or_else(|| variables.get(&OsString::from(FILE_VARIABLE)).map(PathBuf::from));
        let mut origins = BTreeMap::new();
        let mut layers = Layers::builder();
        if let Some(path) = &file {
            let table = read_table(path)?;
            note_file_keys(&table, path, &known, &mut origins)?;
            layers = layers.add_source(FileLayer::new(path, &table));
        }
        refuse_unknown_variables(&variables, &known)?;
        let environment = EnvironmentLayer::read(&variables, &known)?;
        origins.extend(environment.0.iter().map(|set| (set.key, Origin::Environment)));
        let wrong = |error| wrong_value(error, &known, &origins, file.as_deref());
        let layers = layers.add_source(environment).build().map_err(wrong)?;
        let mut loaded: Self = layers.try_deserialize().map_err(wrong)?;
        loaded.origins = origins;
        loaded.file = file;
        loaded.check()?;
        Ok(loaded)
    }
}

/// Put behind the name of a variable, it names a file with the value: how vaults and orchestrators hand over secrets.
const IN_A_FILE: &str = "_FILE";

/// Without the line's end that editors leave there.
fn read_value(env: &'static str, path: &Path) -> Result<String, ConfigError> {
    let refused = |source| ConfigError::ValueFile { env, path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(refused)?;
    match text.trim_end_matches(['\r', '\n']) {
        // Somebody meant a value: to go on without it could mean another database.
        "" => Err(refused(Error::new(ErrorKind::InvalidData, "it is empty"))),
        value => Ok(value.to_owned()),
    }
}

/// Says which setting it was and where it was set; the error of the crate `config` knows the key but not always the place.
fn wrong_value(error: config::ConfigError, known: &[Setting], origins: &BTreeMap<&str, Origin>, file: Option<&Path>) -> ConfigError {
    let key = match &error {
        config::ConfigError::Type { key, .. } | config::ConfigError::At { key, .. } => key.clone(),
        _ => None,
    };
    let setting = known.iter().find(|setting| Some(setting.key) == key.as_deref());
    let place = match (setting, setting.and_then(|setting| origins.get(setting.key)), file) {
        (Some(setting), Some(Origin::Environment), _) => format!("the environment variable {}", setting.env),
        (Some(setting), _, Some(path)) => format!("the setting `{}` in `{}`", setting.key, path.display()),
        _ => "the configuration".to_owned(),
    };
    ConfigError::WrongValue { place, source: Box::new(without_place(error)) }
}

/// The bare complaint: key and place are told before it.
fn without_place(error: config::ConfigError) -> config::ConfigError {
    match error {
        config::ConfigError::At { error, .. } => without_place(*error),
        config::ConfigError::Type { unexpected, expected, .. } => {
            config::ConfigError::Type { origin: None, key: None, unexpected, expected }
        }
        other => other,
    }
}

fn read_table(path: &Path) -> Result<toml::Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    text.parse().map_err(|source| ConfigError::Syntax { path: path.to_owned(), source: Box::new(source) })
}

/// Notes which settings the file sets, and refuses any other key.
fn note_file_keys(
    table: &toml::Table,
    path: &Path,
    known: &[Setting],
    origins: &mut BTreeMap<&'static str, Origin>,
) -> Result<(), ConfigError> {
    for (key, value) in leaves(table) {
        let Some(setting) = known.iter().find(|setting| setting.key == key) else {
            return Err(ConfigError::UnknownKey { known: keys_near(&key, known), key, path: path.to_owned() });
        };
        if value.is_array() || value.is_table() {
            return Err(ConfigError::NotOneValue { key, path: path.to_owned() });
        }
        origins.insert(setting.key, Origin::File);
    }
    Ok(())
}

/// `section.name` and value of everything inside a section, and bare names of what is outside of one.
fn leaves(table: &toml::Table) -> Vec<(String, &toml::Value)> {
    let mut leaves = Vec::new();
    for (section, content) in table {
        match content {
            toml::Value::Table(content) => leaves.extend(content.iter().map(|(name, value)| (format!("{section}.{name}"), value))),
            _ => leaves.push((section.clone(), content)),
        }
    }
    leaves
}

fn keys_near(key: &str, known: &[Setting]) -> String {
    let section = key.split('.').next().unwrap_or_default();
    let names: Vec<&str> =
        known.iter().filter_map(|setting| setting.key.split_once('.')).filter(|(s, _)| *s == section).map(|(_, n)| n).collect();
    if !names.is_empty() {
        return format!("section [{section}] has {}", names.join(", "));
    }
    let mut sections: Vec<&str> = known.iter().filter_map(|setting| setting.key.split('.').next()).collect();
    sections.dedup();
    format!("the sections are [{}]", sections.join("], ["))
}

/// Variables in the shape of our settings (`VIRALCAST_SECTION__NAME`) that are none, most likely misspelt.
fn refuse_unknown_variables(variables: &Variables, known: &[Setting]) -> Result<(), ConfigError> {
    for name in variables.keys().filter_map(|name| name.to_str()) {
        let Some((section, _)) = name.strip_prefix("VIRALCAST_").and_then(|rest| rest.split_once("__")) else { continue };
        if known.iter().any(|setting| setting.env == name.strip_suffix(IN_A_FILE).unwrap_or(name)) {
            continue;
        }
        let start = format!("{}.", section.to_lowercase());
        let near: Vec<&str> = known.iter().filter(|setting| setting.key.starts_with(&start)).map(|setting| setting.env).collect();
        let known = match near.is_empty() {
            true => "`viralcast doctor` lists them all".to_owned(),
            false => format!("this section has {}", near.join(", ")),
        };
        return Err(ConfigError::UnknownVariable { name: name.to_owned(), known });
    }
    Ok(())
}

/// Values of the file, each with the file's name for error messages.
#[derive(Debug, Clone)]
struct FileLayer {
    name: String,
    values: Vec<(String, toml::Value)>,
}

impl FileLayer {
    fn new(path: &Path, table: &toml::Table) -> Self {
        let values = leaves(table).into_iter().map(|(key, value)| (key, value.clone()));
        Self { name: format!("`{}`", path.display()), values: values.collect() }
    }
}

impl Source for FileLayer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        let pair = |(key, value): &(String, toml::Value)| Ok((key.clone(), layer_value(&self.name, value)));
        self.values.iter().map(pair).collect()
    }
}

/// Dates have no settings of their own; they are taken as text.
fn layer_value(origin: &String, value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::new(Some(origin), text.clone()),
        toml::Value::Integer(number) => Value::new(Some(origin), *number),
        toml::Value::Float(number) => Value::new(Some(origin), *number),
        toml::Value::Boolean(truth) => Value::new(Some(origin), *truth),
        other => Value::new(Some(origin), other.to_string()),
    }
}

#[derive(Debug, Clone)]
struct Variable {
    key: &'static str,
    env: &'static str,
    value: String,
}

/// Settings that environment variables set.
#[derive(Debug, Clone)]
struct EnvironmentLayer(Vec<Variable>);

impl EnvironmentLayer {
    fn read(variables: &Variables, known: &[Setting]) -> Result<Self, ConfigError> {
        let mut set = Vec::new();
        for Setting { key, env, .. } in known {
            let (value, file) = (variables.get(&OsString::from(*env)), variables.get(&OsString::from(format!("{env}{IN_A_FILE}"))));
            let value = match (value, file) {
                (None, None) => continue,
                (Some(_), Some(_)) => return Err(ConfigError::SetTwice { env }),
                (Some(value), None) => value.clone().into_string().map_err(|_| ConfigError::NotText { name: env })?,
                (None, Some(file)) => read_value(env, Path::new(file))?,
            };
            set.push(Variable { key, env, value });
        }
        Ok(Self(set))
    }
}

impl Source for EnvironmentLayer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        let pair = |set: &Variable| {
            let origin = format!("the environment variable {}", set.env);
            (set.key.to_owned(), Value::new(Some(&origin), set.value.clone()))
        };
        Ok(self.0.iter().map(pair).collect())
    }
}
