//! Everything of a store, piece by piece, so that no export has to fit into memory: what a store has is read by pages of ids, what
//! happens to it by business days. Rows are JSON objects whose fields are [`ExportKind::columns`], in this order.

use chrono::NaiveDate;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};
use super::export_kinds::ExportKind;

/// A row as JSON, and its id.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportRow {
    pub id: Uuid,
    pub row: String,
}

const OPERATION: &str = "export rows of a store";

macro_rules! by_id {
    ($table:literal, $query:literal, $executor:expr, $store:expr, $after:expr, $limit:expr) => {
        sqlx::query_as!(ExportRow, $query, $store, $after, $limit).fetch_all($executor).await.in_table($table, OPERATION)
    };
}

/// The next rows of a kind that is read by ids; none of another.
pub async fn export_by_id(
    executor: impl PgExecutor<'_>,
    kind: ExportKind,
    store: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<ExportRow>, DbError> {
    let after = after.unwrap_or(Uuid::nil());
    match kind {
        ExportKind::Categories => by_id!(
            "categories",
            r#"select id, row_to_json(r)::text as "row!" from (
                   select id, name, description, parent_id, created_at
                   from categories where store_id = $1 and id > $2 order by id limit $3
               ) r"#,
            executor,
            store,
            after,
            limit
        ),
        ExportKind::Products => by_id!(
            "products",
            r#"select id, row_to_json(r)::text as "row!" from (
                   select id, name, category_id, unit, price, batch_size::float8, shelf_life_days, is_active, first_sold_on, created_at
                   from products where store_id = $1 and id > $2 order by id limit $3
               ) r"#,
            executor,
            store,
            after,
            limit
        ),
        ExportKind::Ingredients => by_id!(
            "ingredient_catalog",
            r#"select id, row_to_json(r)::text as "row!" from (
                   select id, name, category_id, unit, description, pack_size::float8, pack_price, shelf_life_days, commodity, created_at
                   from ingredient_catalog where store_id = $1 and id > $2 order by id limit $3
               ) r"#,
            executor,
            store,
            after,
            limit
        ),
        ExportKind::Recipes => by_id!(
            "recipes",
            r#"select id, row_to_json(r)::text as "row!" from (
                   select id, product_id, ingredient_id, yield_quantity::float8, yield_unit, waste_share::float8,
                          (select coalesce(jsonb_agg(jsonb_build_object(
                                      'ingredient_id', i.ingredient_id, 'quantity', i.quantity::float8, 'unit', i.unit) order by i.id), '[]')
                           from recipe_items i where i.recipe_id = recipes.id) as items,
                          created_at
                   from recipes where store_id = $1 and id > $2 order by id limit $3
               ) r"#,
            executor,
            store,
            after,
            limit
        ),
        ExportKind::Promos => by_id!(
            "promos",
            r#"select id, row_to_json(r)::text as "row!" from (
                   select id, product_id, name, starts_on, ends_on, discount_share::float8, price, is_cancelled, source, available_at,
                          created_at
                   from promos where store_id = $1 and id > $2 order by id limit $3
               ) r"#,
            executor,
            store,
            after,
            limit
        ),
        ExportKind::Events => by_id!(
            "calendar_events",
            r#"select id, row_to_json(r)::text as "row!" from (
                   select id, kind, name, starts_on, ends_on, likelihood::float8, is_cancelled, source, available_at, created_at
                   from calendar_events where store_id = $1 and id > $2 order by id limit $3
               ) r"#,
            executor,
            store,
            after,
            limit
        ),
        ExportKind::Overrides => by_id!(
            "overrides",
            r#"select id, row_to_json(r)::text as "row!" from (
                   select id, product_id, target_date, quantity::float8, reason, user_id, run_id, model_quantity, revoked_at, created_at
                   from overrides where store_id = $1 and id > $2 order by id limit $3
               ) r"#,
            executor,
            store,
            after,
            limit
        ),
        ExportKind::Payments => by_id!(
            "payments",
            r#"select id, row_to_json(r)::text as "row!" from (
                   select id, order_id, provider, payment_method, reference_id, external_reference, amount, currency, status,
                          failure_code, expires_at, payment_date, created_at
                   from payments where store_id = $1 and id > $2 order by id limit $3
               ) r"#,
            executor,
            store,
            after,
            limit
        ),
        ExportKind::Receipts => by_id!(
            "payment_receipts",
            r#"select id, row_to_json(r)::text as "row!" from (
                   select id, payment_id, provider, external_payment_id, request_id, amount, issuer, attention, received_at, created_at
                   from payment_receipts where store_id = $1 and id > $2 order by id limit $3
               ) r"#,
            executor,
            store,
            after,
            limit
        ),
        ExportKind::Refunds => by_id!(
            "refunds",
            r#"select id, row_to_json(r)::text as "row!" from (
                   select id, payment_id, receipt_id, reference_id, external_reference, amount, reason, status, failure_code, created_at
                   from refunds where store_id = $1 and id > $2 order by id limit $3
               ) r"#,
            executor,
            store,
            after,
            limit
        ),
        _ => Ok(Vec::new()),
    }
}

/// First and last business day of a kind that is read by days, as far as there are any.
pub async fn export_days(executor: impl PgExecutor<'_>, kind: ExportKind, store: Uuid) -> Result<Option<(NaiveDate, NaiveDate)>, DbError> {
    let table = match kind {
        ExportKind::Orders => "orders",
        ExportKind::Sales => "sales_spans",
        ExportKind::StockCounts => "stock_counts",
        ExportKind::SoldOut => "stockout_events",
        ExportKind::Waste => "waste_log",
        ExportKind::Predictions | ExportKind::Plan => "published_days",
        _ => return Ok(None),
    };
    let span = sqlx::query!(
        r#"select case $2::text
                      when 'orders' then (select min(business_date) from orders where store_id = $1)
                      when 'sales_spans' then (select min(first_day) from sales_spans where store_id = $1)
                      when 'stock_counts' then (select min(business_date) from stock_counts where store_id = $1)
                      when 'stockout_events' then (select min(business_date) from stockout_events where store_id = $1)
                      when 'waste_log' then (select min(business_date) from waste_log where store_id = $1)
                      else (select min(business_date) from published_days where store_id = $1)
                  end as first,
                  case $2::text
                      when 'orders' then (select max(business_date) from orders where store_id = $1)
                      when 'sales_spans' then (select max(last_day) from sales_spans where store_id = $1)
                      when 'stock_counts' then (select max(business_date) from stock_counts where store_id = $1)
                      when 'stockout_events' then (select max(business_date) from stockout_events where store_id = $1)
                      when 'waste_log' then (select max(business_date) from waste_log where store_id = $1)
                      else (select max(business_date) from published_days where store_id = $1)
                  end as last"#,
        store,
        table,
    )
    .fetch_one(executor)
    .await
    .in_table(table, OPERATION)?;
    Ok(span.first.zip(span.last))
}

macro_rules! by_days {
    ($table:literal, $query:literal, $executor:expr, $store:expr, $first:expr, $last:expr) => {
        sqlx::query_scalar!($query, $store, $first, $last).fetch_all($executor).await.in_table($table, OPERATION)
    };
}

/// Rows of the business days [`first`, `last`] of a kind that is read by days; none of another.
pub async fn export_of_days(
    executor: impl PgExecutor<'_>,
    kind: ExportKind,
    store: Uuid,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<String>, DbError> {
    match kind {
        ExportKind::Orders => by_days!(
            "orders",
            r#"select row_to_json(r)::text as "row!" from (
                   select id, source, external_id, customer_name, customer_phone, total_amount, status, order_date, business_date,
                          (select coalesce(jsonb_agg(jsonb_build_object(
                                      'product_id', i.product_id, 'product', i.product_name, 'quantity', i.quantity::float8,
                                      'unit_price', i.unit_price, 'total_price', i.total_price) order by i.line_number), '[]')
                           from order_items i where i.order_id = orders.id) as items,
                          created_at
                   from orders where store_id = $1 and business_date between $2 and $3 order by business_date, order_date, id
               ) r"#,
            executor,
            store,
            first,
            last
        ),
        ExportKind::Sales => by_days!(
            "sales_daily",
            r#"select row_to_json(r)::text as "row!" from (
                   select d.product_id, p.name as product, d.business_date, d.source, d.quantity::float8, d.revenue, d.is_sold_out,
                          d.available_at, d.recorded_at
                   from sales_daily d
                   left join products p on p.id = d.product_id
                   where d.store_id = $1 and d.business_date between $2 and $3
                   order by d.business_date, d.product_id, d.source, d.available_at
               ) r"#,
            executor,
            store,
            first,
            last
        ),
        ExportKind::StockCounts => by_days!(
            "stock_counts",
            r#"select row_to_json(r)::text as "row!" from (
                   select id, product_id, ingredient_id, business_date, moment, quantity::float8, note, counted_at, created_at
                   from stock_counts where store_id = $1 and business_date between $2 and $3 order by business_date, counted_at, id
               ) r"#,
            executor,
            store,
            first,
            last
        ),
        ExportKind::SoldOut => by_days!(
            "stockout_events",
            r#"select row_to_json(r)::text as "row!" from (
                   select id, product_id, business_date, sold_out_at, restocked_at, source, created_at
                   from stockout_events where store_id = $1 and business_date between $2 and $3 order by business_date, sold_out_at, id
               ) r"#,
            executor,
            store,
            first,
            last
        ),
        ExportKind::Waste => by_days!(
            "waste_log",
            r#"select row_to_json(r)::text as "row!" from (
                   select id, product_id, ingredient_id, business_date, quantity::float8, reason, note, created_at
                   from waste_log where store_id = $1 and business_date between $2 and $3 order by business_date, id
               ) r"#,
            executor,
            store,
            first,
            last
        ),
        ExportKind::Predictions => by_days!(
            "forecasts",
            r#"select row_to_json(r)::text as "row!" from (
                   select f.run_id, d.business_date, f.target_kind as type, f.target_item as item, f.target_id as item_id, f.target_date,
                          f.step, f.yhat as predicted_value, f.q025, f.q05, f.q10, f.q25, f.q50, f.q75, f.q90, f.q95, f.q975,
                          f.confidence_score::float8, f.chosen, f.rung
                   from published_days d
                   join forecasts f on f.run_id = d.run_id and f.store_id = d.store_id
                   where d.store_id = $1 and d.business_date between $2 and $3
                     and f.target_kind in ('product', 'ingredient', 'sales')
                   order by d.business_date, f.target_kind, f.target_item, f.target_date
               ) r"#,
            executor,
            store,
            first,
            last
        ),
        ExportKind::Plan => by_days!(
            "plan_items",
            r#"select row_to_json(r)::text as "row!" from (
                   select i.run_id, i.business_date, i.kind, i.part_of_day, i.item, i.product_id, i.ingredient_id, i.unit, i.need, i.low,
                          i.high, i.quantity::float8, i.pieces, i.cost, i.reason
                   from published_days d
                   join plan_items i on i.run_id = d.run_id and i.store_id = d.store_id and i.business_date = d.business_date
                   where d.store_id = $1 and d.business_date between $2 and $3
                   order by i.business_date, i.kind, i.item, i.part_of_day
               ) r"#,
            executor,
            store,
            first,
            last
        ),
        _ => Ok(Vec::new()),
    }
}
