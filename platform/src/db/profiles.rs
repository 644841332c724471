//! What people tell of themselves.

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

const TABLE: &str = "profiles";

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileRow {
    pub phone: Option<String>,
    pub address: Option<String>,
    pub bio: Option<String>,
    /// Key of the picture in the object store.
    pub avatar_url: Option<String>,
}

/// Nothing at all of whoever has told nothing.
pub async fn find_profile(executor: impl PgExecutor<'_>, user_id: Uuid) -> Result<ProfileRow, DbError> {
    sqlx::query_as!(ProfileRow, "select phone, address, bio, avatar_url from profiles where user_id = $1", user_id)
        .fetch_optional(executor)
        .await
        .in_table(TABLE, "read a profile")
        .map(Option::unwrap_or_default)
}

/// Replaces all but the picture.
pub async fn put_profile(executor: impl PgExecutor<'_>, user_id: Uuid, profile: &ProfileRow) -> Result<(), DbError> {
    sqlx::query!(
        "insert into profiles (id, user_id, phone, address, bio) values ($1, $2, $3, $4, $5)
         on conflict on constraint one_profile_per_user do update
         set phone = excluded.phone, address = excluded.address, bio = excluded.bio",
        Uuid::now_v7(),
        user_id,
        profile.phone,
        profile.address,
        profile.bio,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "replace a profile")?;
    Ok(())
}

/// Sets or takes away the picture; answers the key of the one before.
pub async fn set_avatar(transaction: &mut PgConnection, user_id: Uuid, key: Option<&str>) -> Result<Option<String>, DbError> {
    let operation = "set a picture";
    let old = sqlx::query_scalar!("select avatar_url from profiles where user_id = $1 for update", user_id)
        .fetch_optional(&mut *transaction)
        .await
        .in_table(TABLE, operation)?;
    sqlx::query!(
        "insert into profiles (id, user_id, avatar_url) values ($1, $2, $3)
         on conflict on constraint one_profile_per_user do update set avatar_url = excluded.avatar_url",
        Uuid::now_v7(),
        user_id,
        key,
    )
    .execute(transaction)
    .await
    .in_table(TABLE, operation)?;
    Ok(old.flatten())
}
