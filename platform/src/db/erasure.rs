//! A person has themselves erased (UU 27/2022, articles 8 and 43). All of it happens in one transaction of that person.
//!
//! Their row stays as an id that says nothing, because stores, orders, overrides and the record of who did what name it. Stores that
//! others go on with get an owner among their admins; stores with nobody else are closed, and lose what says whose they were.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

/// A store of the person, and who else is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLeft {
    pub store_id: Uuid,
    pub is_admin: bool,
    pub other_members: i64,
    pub other_admins: i64,
}

/// Stores that the person leaves. Whoever is being added to one of them waits.
pub async fn stores_left(transaction: &mut PgConnection, user: Uuid) -> Result<Vec<StoreLeft>, DbError> {
    let operation = "see which stores somebody leaves";
    sqlx::query!(
        "select s.id from stores s
         where s.id in (select store_id from store_members where user_id = $1)
         order by s.id
         for update",
        user,
    )
    .fetch_all(&mut *transaction)
    .await
    .in_table("stores", operation)?;
    sqlx::query_as!(
        StoreLeft,
        r#"select own.store_id, own.role = 'admin' as "is_admin!",
                  count(other.user_id) as "other_members!",
                  count(other.user_id) filter (where other.role = 'admin') as "other_admins!"
           from store_members own
           left join store_members other on other.store_id = own.store_id and other.user_id <> own.user_id
           where own.user_id = $1
           group by own.store_id, own.role
           order by own.store_id"#,
        user,
    )
    .fetch_all(transaction)
    .await
    .in_table("store_members", operation)
}

/// Closes stores with nobody else in them. What was sold, paid and forecast stays, and says no longer by whom or to whom.
pub async fn close_for_good(transaction: &mut PgConnection, stores: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!(
        "update stores
         set slug = 'erased-' || id, name = 'Erased', description = null, address = null, phone = null, adm4 = null, is_active = false
         where id = any ($1)",
        stores,
    )
    .execute(&mut *transaction)
    .await
    .in_table("stores", "close stores for good")?;
    sqlx::query!(
        "update orders set customer_name = null, customer_phone = null
         where store_id = any ($1) and num_nonnulls(customer_name, customer_phone) > 0",
        stores,
    )
    .execute(transaction)
    .await
    .in_table("orders", "forget customers")?;
    Ok(())
}

/// Takes the person out of every store but `closed`, where nobody else could be its admin.
pub async fn leave_stores(executor: impl PgExecutor<'_>, user: Uuid, closed: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!("delete from store_members where user_id = $1 and store_id <> all ($2)", user, closed)
        .execute(executor)
        .await
        .in_table("store_members", "leave stores")?;
    Ok(())
}

/// Deletes what is about the person alone: sessions, links, news, profile, kept answers.
pub async fn delete_personal_rows(transaction: &mut PgConnection, user: Uuid) -> Result<(), DbError> {
    let operation = "delete what is about a person";
    sqlx::query!("delete from auth_sessions where user_id = $1", user)
        .execute(&mut *transaction)
        .await
        .in_table("auth_sessions", operation)?;
    sqlx::query!("delete from one_time_tokens where user_id = $1", user)
        .execute(&mut *transaction)
        .await
        .in_table("one_time_tokens", operation)?;
    sqlx::query!("delete from second_factors where user_id = $1", user)
        .execute(&mut *transaction)
        .await
        .in_table("second_factors", operation)?;
    sqlx::query!("delete from notifications where user_id = $1", user)
        .execute(&mut *transaction)
        .await
        .in_table("notifications", operation)?;
    sqlx::query!("delete from idempotency_keys where user_id = $1", user)
        .execute(&mut *transaction)
        .await
        .in_table("idempotency_keys", operation)?;
    sqlx::query!("delete from profiles where user_id = $1", user).execute(transaction).await.in_table("profiles", operation)?;
    Ok(())
}

/// What no person may do by themselves, of the person whom the transaction names: hands their stores over, takes the addresses out of
/// their record, deletes secrets and raw rows of the stores `closed`, and makes their account an id that says nothing.
pub async fn erase_account(executor: impl PgExecutor<'_>, closed: &[Uuid], now: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("select app.erase_account($1, $2)", closed, now).fetch_one(executor).await.in_table("users", "erase an account")?;
    Ok(())
}
