//! `.sqlx/` still describes the schema: every checked statement is prepared against the migrated database and its parameter
//! and column types are compared with what the build believed.

use std::path::PathBuf;

use platform::testing::TestDb;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Column, Either, Executor, SqlSafeStr, Statement, TypeInfo};

fn saved_statements() -> Vec<(PathBuf, Value)> {
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where")).join("../.sqlx");
    let files = std::fs::read_dir(&folder).expect(".sqlx/ is part of the project");
    let paths = files.map(|file| file.expect("a file").path()).filter(|path| path.extension().is_some_and(|end| end == "json"));
    paths.map(|path| (path.clone(), serde_json::from_str(&std::fs::read_to_string(&path).expect("a file")).expect("JSON"))).collect()
}

/// `TextArray` of the files is `TEXT[]` of the driver.
fn driver_name(saved: &Value) -> String {
    let name = saved.as_str().map(str::to_owned).unwrap_or_else(|| saved["Custom"]["name"].as_str().unwrap_or("?").to_owned());
    let name = name.to_uppercase();
    name.strip_suffix("ARRAY").map(|element| format!("{element}[]")).unwrap_or(name)
}

#[tokio::test]
async fn checked_statements_match_the_schema() {
    let db = TestDb::new().await;
    let mut connection = db.work().acquire().await.expect("a connection");
    let statements = saved_statements();
    assert!(statements.len() >= 60, "only {} statements in .sqlx/", statements.len());
    let mut stale = Vec::new();
    for (path, saved) in &statements {
        let sql = saved["query"].as_str().expect("a statement").to_owned();
        let prepared = match connection.prepare(AssertSqlSafe(sql).into_sql_str()).await {
            Ok(prepared) => prepared,
            Err(error) => {
                stale.push(format!("{}: {error}", path.display()));
                continue;
            }
        };
        let columns: Vec<_> =
            prepared.columns().iter().map(|column| (column.name().to_owned(), column.type_info().name().to_uppercase())).collect();
        let saved_columns = saved["describe"]["columns"].as_array().expect("columns");
        let believed: Vec<_> = saved_columns
            .iter()
            .map(|column| (column["name"].as_str().unwrap_or_default().to_owned(), driver_name(&column["type_info"])))
            .collect();
        let parameters: Vec<String> = match prepared.parameters() {
            Some(Either::Left(types)) => types.iter().map(|kind| kind.name().to_uppercase()).collect(),
            _ => Vec::new(),
        };
        let saved_parameters = saved["describe"]["parameters"]["Left"].as_array().expect("parameters");
        let believed_parameters: Vec<String> = saved_parameters.iter().map(driver_name).collect();
        if (&columns, &parameters) != (&believed, &believed_parameters) {
            stale.push(format!("{}: {columns:?} {parameters:?} but saved as {believed:?} {believed_parameters:?}", path.display()));
        }
    }
    assert!(stale.is_empty(), "run scripts/prepare-sql.sh and commit .sqlx/\n{}", stale.join("\n"));
    drop(connection);
    db.close().await;
}
