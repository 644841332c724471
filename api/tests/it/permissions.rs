//! Every operation of the document, asked as everyone: nobody, a neighbour, each role, an operator.

use axum::http::Method;
use domain::access::{Permission, StoreRole};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, NOBODY, Reply};
use crate::contract::{document, resolve};

struct Operation {
    method: Method,
    path: String,
    permission: &'static str,
    body: Option<Value>,
}

/// All of them, with the store in their paths and an example of the body that they document.
fn operations() -> Vec<Operation> {
    let paths = document()["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, &'static Value)| {
        let path = fill(path);
        let operations = item.as_object().expect("operations").iter();
        operations.map(move |(method, operation)| Operation {
            method: method.to_uppercase().parse().expect("a method"),
            path: path.clone(),
            permission: operation["x-permission"].as_str().unwrap_or_else(|| panic!("{method} {path} says nothing")),
            body: operation["requestBody"]["content"]["application/json"]["schema"]
                .as_object()
                .map(|_| example(&operation["requestBody"]["content"]["application/json"]["schema"])),
        })
    };
    paths.iter().flat_map(of_path).collect()
}

/// The warung as the store; ids of nothing for the rest.
fn fill(path: &str) -> String {
    let part = |part: &str| match part {
        "{store}" => "warung-bu-sri".to_owned(),
        part if part.starts_with('{') => Uuid::nil().to_string(),
        part => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// A body made of the examples in a schema, required fields only.
pub fn example(schema: &'static Value) -> Value {
    let schema = resolve(schema);
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(first) = schema["oneOf"].as_array().or(schema["allOf"].as_array()).and_then(|choices| choices.first()) {
        return example(first);
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let fields = schema["properties"].as_object().into_iter().flatten();
            let fields = fields.filter(|(name, _)| required.contains(&name.as_str()));
            fields.map(|(name, field)| (name.clone(), example(field))).collect::<serde_json::Map<_, _>>().into()
        }
        Some("array") => json!([example(&schema["items"])]),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        _ if schema["format"] == "uuid" => json!(Uuid::nil()),
        _ => json!("text"),
    }
}

impl Operation {
    async fn ask(&self, app: &App, authorization: Option<String>) -> Reply {
        let authorization = authorization.map(|token| format!("Bearer {token}"));
        let header = authorization.as_deref().map_or(NOBODY, |value| ("authorization", value));
        app.call(self.method.clone(), &self.path, &[header], self.body.clone()).await
    }

    fn role_may(&self, role: StoreRole) -> bool {
        match self.permission {
            "public" | "signed-in" => true,
            "operator" => false,
            name => {
                let permission = Permission::every().find(|permission| permission.to_string() == name);
                role.may(permission.unwrap_or_else(|| panic!("{}: there is no permission {name}", self.path)))
            }
        }
    }
}

/// What keeps someone out, whoever they are. A wrong password or refresh token is another matter.
fn is_kept_out(reply: &Reply) -> Option<String> {
    let is_problem = reply.header("content-type") == "application/problem+json";
    let kind = is_problem.then(|| reply.json()["type"].as_str().expect("a type").to_owned())?;
    ["/problems/sign-in-required", "/problems/forbidden", "/problems/csrf-token-missing"].contains(&kind.as_str()).then_some(kind)
}

#[tokio::test]
async fn nobody_gets_only_what_is_public() {
    let app = App::new().await;
    for operation in operations() {
        let reply = operation.ask(&app, None).await;
        let kept_out = is_kept_out(&reply);
        if operation.permission == "public" {
            assert_eq!(kept_out, None, "{} {}", operation.method, operation.path);
        } else {
            assert_eq!(
                kept_out.as_deref(),
                Some("/problems/sign-in-required"),
                "{} {}: {}",
                operation.method,
                operation.path,
                reply.text()
            );
            assert_eq!((reply.status.as_u16(), reply.header("www-authenticate")), (401, "Bearer"));
        }
    }
}

#[tokio::test]
async fn to_a_neighbour_the_store_does_not_exist() {
    let app = App::new().await;
    let of_store = |operation: &Operation| operation.path.contains("warung-bu-sri") && operation.permission != "public";
    for operation in operations().into_iter().filter(of_store) {
        let reply = operation.ask(&app, Some(app.token_of(app.world.neighbour).await)).await;
        assert_eq!(reply.status, 404, "{} {}: {}", operation.method, operation.path, reply.text());
        assert_eq!(reply.json()["detail"], "Toko `warung-bu-sri` tidak ada.", "{} {}", operation.method, operation.path);
    }
}

#[tokio::test]
async fn each_role_may_what_the_table_says_and_nothing_else() {
    let app = App::new().await;
    let people = [(StoreRole::User, app.world.cashier), (StoreRole::Manager, app.world.manager), (StoreRole::Admin, app.world.owner)];
    for operation in operations() {
        for (role, user) in people {
            // A token of its own each time: some of the routes end sessions.
            let reply = operation.ask(&app, Some(app.token_of(user).await)).await;
            let expected = (!operation.role_may(role)).then_some("/problems/forbidden");
            assert_eq!(is_kept_out(&reply).as_deref(), expected, "{} {} as {role:?}: {}", operation.method, operation.path, reply.text());
            assert!(reply.status.as_u16() < 500, "{} {} as {role:?}: {}", operation.method, operation.path, reply.text());
        }
    }
}

#[tokio::test]
async fn an_operator_may_everything() {
    let app = App::new().await;
    for operation in operations() {
        let reply = operation.ask(&app, Some(app.token_of(app.world.operator).await)).await;
        assert_eq!(is_kept_out(&reply), None, "{} {}: {}", operation.method, operation.path, reply.text());
    }
}
