//! Who may do what in a store: one table, asked by every handler, shown in the API's document, walked by a test.

use std::fmt;

/// What a member is in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreRole {
    /// Works at the counter or in the kitchen.
    User,
    /// Runs the shop from day to day.
    Manager,
    /// Owns it, or acts for who does.
    Admin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Create,
    Read,
    Update,
    Delete,
}

/// Kinds of things that a store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// The store itself: name, address, hours.
    Store,
    Members,
    /// Categories, products, ingredients, recipes.
    Catalogue,
    Orders,
    Payments,
    Refunds,
    /// Stock counts, what is sold out, what was thrown away.
    Stock,
    /// Promos and the store's own calendar.
    Calendar,
    /// Forecasts, plans, accuracy; asking for a fresh one.
    Predictions,
    /// A number of the plan that someone knows better.
    Overrides,
    /// The record of who did what.
    Audit,
    /// Everything of the store in one file.
    Export,
}

use Action::{Create, Delete, Read, Update};
use Resource::{Audit, Calendar, Catalogue, Export, Members, Orders, Overrides, Payments, Predictions, Refunds, Stock, Store};

const ALL: &[Action] = &[Create, Read, Update, Delete];
const NONE: &[Action] = &[];

/// Resource, then what a user, a manager and an admin may do with it.
const TABLE: [(Resource, [&[Action]; 3]); 12] = [
    (Store, [&[Read], &[Read, Update], ALL]),
    (Members, [NONE, &[Read], ALL]),
    (Catalogue, [&[Read], ALL, ALL]),
    (Orders, [&[Create, Read, Update], ALL, ALL]),
    (Payments, [&[Create, Read, Update], &[Create, Read, Update], ALL]),
    (Refunds, [&[Read], &[Create, Read], ALL]),
    (Stock, [&[Create, Read], ALL, ALL]),
    (Calendar, [&[Read], ALL, ALL]),
    (Predictions, [&[Read], &[Create, Read], ALL]),
    (Overrides, [&[Read], ALL, ALL]),
    (Audit, [NONE, NONE, &[Read]]),
    (Export, [NONE, NONE, &[Create, Read]]),
];

impl StoreRole {
    pub const EVERY: [Self; 3] = [Self::User, Self::Manager, Self::Admin];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }

    /// `None` for a name that is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|role| role.name() == name)
    }

    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        let row = TABLE.iter().find(|(resource, _)| *resource == permission.resource);
        row.is_some_and(|(_, allowed)| allowed[self as usize].contains(&permission.action))
    }
}

/// One thing that may be allowed, written `orders:create`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permission {
    pub resource: Resource,
    pub action: Action,
}

impl Permission {
    #[must_use]
    pub const fn to(action: Action, resource: Resource) -> Self {
        Self { resource, action }
    }

    /// Every one there is.
    pub fn every() -> impl Iterator<Item = Self> {
        TABLE.iter().flat_map(|(resource, _)| ALL.iter().map(|action| Self { resource: *resource, action: *action }))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resource = match self.resource {
            Store => "store",
            Members => "members",
            Catalogue => "catalogue",
            Orders => "orders",
            Payments => "payments",
            Refunds => "refunds",
            Stock => "stock",
            Calendar => "calendar",
            Predictions => "predictions",
            Overrides => "overrides",
            Audit => "audit",
            Export => "export",
        };
        let action = match self.action {
            Create => "create",
            Read => "read",
            Update => "update",
            Delete => "delete",
        };
        write!(f, "{resource}:{action}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_stands_higher_may_do_no_less() {
        for permission in Permission::every() {
            let [user, manager, admin] = StoreRole::EVERY.map(|role| role.may(permission));
            assert!(manager || !user, "{permission}");
            assert!(admin || !manager, "{permission}");
        }
    }

    #[test]
    fn the_counter_sells_and_counts_and_nothing_else() {
        let allowed: Vec<String> = Permission::every().filter(|it| StoreRole::User.may(*it)).map(|it| it.to_string()).collect();
        let reads = ["store", "catalogue", "calendar", "predictions", "overrides", "refunds"].map(|resource| format!("{resource}:read"));
        let works = [
            "orders:create",
            "orders:read",
            "orders:update",
            "payments:create",
            "payments:read",
            "payments:update",
            "stock:create",
            "stock:read",
        ];
        let mut expected: Vec<String> = reads.into_iter().chain(works.map(str::to_owned)).collect();
        let mut allowed = allowed;
        expected.sort();
        allowed.sort();
        assert_eq!(allowed, expected);
    }

    #[test]
    fn roles_have_names() {
        for role in StoreRole::EVERY {
            assert_eq!(StoreRole::named(role.name()), Some(role));
        }
        assert_eq!(StoreRole::named("operator"), None);
    }
}
