//! An example of every refusal that the document tells of, worded by what words the refusals themselves.

use std::time::Duration;

use axum::http::StatusCode;
use domain::money::Idr;
use payments::PaymentError;
use platform::auth::AuthError;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, RefOr, Response};

use crate::error::{ApiError, FieldError, Resource};
use crate::openapi::operations;
use crate::problem::example;

const PROBLEM: &str = "application/problem+json";
/// Of nothing that there is.
const STORE: &str = "warung-lama";
const ID: &str = "0198c8a5-2f1b-7c3d-9e4f-5a6b7c8d9e0f";

/// Adds them where there is none.
pub(super) fn illustrate(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let instance: Vec<&str> = path.split('/').map(told).collect();
        let instance = instance.join("/");
        for operation in operations(item) {
            let illustrated: Vec<(String, ApiError)> = operation
                .responses
                .responses
                .iter()
                .filter(|(_, response)| matches!(response, RefOr::T(_)))
                .filter_map(|(status, _)| Some((status.clone(), refusal(operation, path, status)?)))
                .collect();
            for (status, error) in illustrated {
                if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(&status) {
                    show(response, &error, &instance);
                }
            }
        }
    }
    for (name, response) in document.components.iter_mut().flat_map(|components| &mut components.responses) {
        if let (RefOr::T(response), Some(error)) = (response, anywhere(name)) {
            show(response, &error, "/api/v1/stores/warung-lama/orders");
        }
    }
}

/// Part of a path, with something in the place of a parameter.
fn told(part: &str) -> &str {
    match part {
        "{store}" => STORE,
        "{date}" => "2026-11-24",
        "{kind}" => "resep",
        _ if part.starts_with('{') => ID,
        _ => part,
    }
}

fn show(response: &mut Response, error: &ApiError, instance: &str) {
    if let Some(RefOr::T(content)) = response.content.get_mut(PROBLEM) {
        content.example = Some(example(error, instance));
    }
}

/// What any route may answer, by the name of its response.
fn anywhere(name: &str) -> Option<ApiError> {
    Some(match name {
        "InvalidRequest" => FieldError::new("limit", "must be from 1 to 200").into(),
        "Unfit" => FieldError::unfit("to", "must not be before `from`").into(),
        "SignInRequired" => ApiError::SignInRequired,
        "Forbidden" => ApiError::Forbidden { needed: "orders:update".to_owned() },
        "BodyTooLarge" => ApiError::BodyTooLarge { limit_bytes: 64 << 10 },
        "UnsupportedMediaType" => ApiError::NotJson,
        "TooManyRequests" => ApiError::TooManyAttempts { after: Duration::from_secs(12) },
        "ForeignHost" => ApiError::ForeignHost { host: Some("shop.example".to_owned()) },
        "Internal" => ApiError::Refused(StatusCode::INTERNAL_SERVER_ERROR),
        "Unavailable" => ApiError::Busy,
        _ => return None,
    })
}

/// What this operation answers with this status, in one of its cases.
fn refusal(operation: &Operation, path: &str, status: &str) -> Option<ApiError> {
    let id = operation.operation_id.as_deref()?;
    Some(match (status, id) {
        ("401", "confirm_second_factor") => ApiError::WrongCode,
        ("401", "login" | "erase_me" | "begin_second_factor" | "remove_second_factor") => ApiError::WrongCredentials,
        ("401", "refresh_tokens") => ApiError::Auth(AuthError::InvalidToken),
        ("401", "push_orders") => ApiError::Unsigned,
        ("401", _) => ApiError::WrongToken,
        ("403", _) => ApiError::CsrfTokenMissing,
        ("404", _) => missing(path),
        ("409", _) => conflict(id),
        ("422", "create_refund") => ApiError::Payment(PaymentError::KeyReused { key: "kembalian-meja-4".to_owned() }),
        ("422", _) => ApiError::KeyReused,
        ("429", _) => ApiError::TooManyAttempts { after: Duration::from_secs(30) },
        ("503", "readyz") => ApiError::NotReady { dependencies: vec!["database"] },
        ("503", _) => ApiError::Busy,
        _ => return None,
    })
}

/// Of what the path names last.
fn missing(path: &str) -> ApiError {
    let (resource, name) = match path.rsplit('{').next().and_then(|rest| rest.split('}').next()) {
        Some("backfill") => (Resource::Backfill, ID),
        Some("category") => (Resource::Category, ID),
        Some("event") => (Resource::Event, ID),
        Some("ingredient") => (Resource::Ingredient, ID),
        Some("job") => (Resource::Job, ID),
        Some("kind") => (Resource::Export, "resep"),
        Some("letter") => (Resource::DeadLetter, ID),
        Some("notification") => (Resource::Notification, ID),
        Some("order") => (Resource::Order, ID),
        Some("payment") => (Resource::Payment, ID),
        Some("product") => (Resource::Product, ID),
        Some("promo") => (Resource::Promo, ID),
        Some("run") => (Resource::Run, ID),
        Some("session") => (Resource::Session, ID),
        Some("user") => (Resource::Member, ID),
        Some("waste") => (Resource::Waste, ID),
        Some("what_if") => (Resource::WhatIf, ID),
        _ if path.ends_with("/security.txt") => (Resource::SecurityContact, "security.txt"),
        _ if path.ends_with("/avatar") => (Resource::Avatar, "avatar"),
        _ => (Resource::Store, STORE),
    };
    ApiError::NotFound { resource, name: name.to_owned() }
}

fn conflict(operation: &str) -> ApiError {
    let rule = match operation {
        "cancel_backfill" => "backfill_is_published",
        "pause_backfill" => "backfill_is_paused",
        "publish_backfill" => "backfill_is_refused",
        "resume_backfill" => "backfill_is_running",
        "roll_back_backfill" => "backfill_is_ready",
        "replay_dead_letter" => "dead_letter_is_alive",
        "create_store" | "update_store" => "store_slug_is_taken",
        "create_category" | "update_category" => "category_name_is_taken_in_store",
        "delete_category" => "category_is_in_use",
        "create_event" => "event_is_planned",
        "create_promo" => "promo_is_planned",
        "create_ingredient" => "ingredient_name_is_taken_in_store",
        "update_ingredient" => "ingredient_unit_fits_its_recipes",
        "delete_ingredient" => "ingredient_is_in_a_recipe",
        "put_recipe_of_ingredient" => "recipe_has_no_cycle",
        "create_product" | "update_product" => "product_name_is_taken_in_store",
        "add_member" => "member_cannot_be_added",
        "remove_member" | "change_member" => "store_keeps_an_admin",
        "erase_me" => "store_needs_another_admin",
        "begin_second_factor" => "second_factor_is_on",
        "confirm_second_factor" => "second_factor_is_not_begun",
        "remove_second_factor" => "second_factor_is_off",
        "cancel_order" => "order_is_paid",
        "complete_order" => "order_is_being_paid",
        "set_override" => "product_is_not_forecast",
        "create_payment" => return ApiError::Payment(PaymentError::OrderNotOpen { status: "completed".to_owned() }),
        "cancel_payment" => return ApiError::Payment(PaymentError::MayBePaid),
        "create_refund" => return ApiError::Payment(PaymentError::MoreThanPaid { asked: Idr(50_000), left: Idr(18_000) }),
        _ => return ApiError::InFlight,
    };
    ApiError::Conflict { rule }
}
