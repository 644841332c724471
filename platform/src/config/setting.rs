//! One macro declares a concern: its struct, its defaults and the table row of every setting, so that they cannot differ.

use std::fmt::Display;
use std::net::IpAddr;
use std::path::PathBuf;

use secrecy::SecretString;

/// Where the value of a setting comes from. Later ones win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    Default,
    File,
    Environment,
}

impl Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
        })
    }
}

/// One setting: what it is called, what it means, what it is and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Setting {
    /// Name in the file: `section.name`.
    pub key: &'static str,
    /// Environment variable that overrides the file.
    pub env: &'static str,
    /// Value without file and environment; `None` when unset.
    pub default: Option<String>,
    /// What it means, in one or two sentences.
    pub doc: String,
    /// Value in force, secrets masked; `None` when unset.
    pub value: Option<String>,
    pub origin: Origin,
}

/// How a value is shown to people: never a secret.
pub(super) trait Shown {
    fn shown(&self) -> Option<String>;
}

macro_rules! shown_as_is {
    ($($type:ty),+) => { $(impl Shown for $type {
        fn shown(&self) -> Option<String> {
            Some(self.to_string())
        }
    })+ };
}

shown_as_is!(u16, u32, u64, usize, f64, bool, String, IpAddr);

impl Shown for PathBuf {
    fn shown(&self) -> Option<String> {
        Some(self.display().to_string())
    }
}

impl Shown for SecretString {
    fn shown(&self) -> Option<String> {
        Some("(set, not shown)".to_owned())
    }
}

impl<T: Shown> Shown for Option<T> {
    fn shown(&self) -> Option<String> {
        self.as_ref().and_then(Shown::shown)
    }
}

/// Declares the struct of one concern. Every field has a doc comment, a default and its environment variable.
macro_rules! settings {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident in $section:literal {
            $( $(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr, $env:literal; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $( $(#[doc = $doc])+ #[doc = concat!("\n\nEnvironment variable: `", $env, "`.")] pub $field: $type, )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl $name {
            /// What the section is about.
            pub(super) const ABOUT: &str = concat!($($about),+);

            /// A row for every field; the origin is filled in by the loader.
            pub(super) fn settings(&self) -> Vec<crate::config::Setting> {
                use crate::config::setting::Shown;
                let default = Self::default();
                vec![ $( crate::config::Setting {
                    key: concat!($section, ".", stringify!($field)),
                    env: $env,
                    default: default.$field.shown(),
                    doc: concat!($($doc),+).trim().to_owned(),
                    value: self.$field.shown(),
                    origin: crate::config::Origin::Default,
                } ),+ ]
            }
        }
    };
}

/// Declares a setting that is one of a few words.
macro_rules! choice {
    ($(#[doc = $about:literal])+ pub enum $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
        #[serde(try_from = "String")]
        pub enum $name {
            $($variant),+
        }

        impl $name {
            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(word: String) -> Result<Self, String> {
                let all = [$(Self::$variant),+];
                all.into_iter().find(|choice| choice.word() == word).ok_or(format!("`{word}` is none of {}", [$($word),+].join(", ")))
            }
        }

        impl crate::config::setting::Shown for $name {
            fn shown(&self) -> Option<String> {
                Some(self.word().to_owned())
            }
        }
    };
}

pub(super) use {choice, settings};
