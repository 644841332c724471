use super::{Config, Setting};

const HEAD: &str = "# Settings

Nothing has to be set. What is set comes from one TOML file (`--config FILE`, or the variable
`VIRALCAST_CONFIG`) and from environment variables, which win over the file. An unknown name in either is an error.
`VARIABLE_FILE` names a file that holds the value of `VARIABLE`: how vaults and orchestrators hand over secrets.
`viralcast doctor` shows the value in force and where it comes from.

```toml
[http]
port = 4001
```

This page is generated from the code: `UPDATE_DOCS=1 cargo nextest run -E 'test(config::the_reference)'`.
";

/// The page `docs/reference/config.md`: every setting with its variable, default and meaning.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    for section in Config::default().sections() {
        page.push_str(&format!("\n## [{}]\n\n{}\n\n", section.name, section.about.trim()));
        page.push_str("| setting | environment variable | default | meaning |\n|---|---|---|---|\n");
        for setting in &section.settings {
            page.push_str(&row(setting));
        }
    }
    page
}

fn row(setting: &Setting) -> String {
    let default = setting.default.as_ref().map_or("unset".to_owned(), |value| format!("`{value}`"));
    let name = setting.key.rsplit('.').next().unwrap_or(setting.key);
    format!("| `{name}` | `{}` | {default} | {} |\n", setting.env, setting.doc)
}
