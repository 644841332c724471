//! What of a store can be exported, and the shape of its rows.

/// A kind of rows that can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    Categories,
    Products,
    Ingredients,
    /// With their items.
    Recipes,
    /// Every version.
    Promos,
    /// The store's own, every version.
    Events,
    Overrides,
    Payments,
    Receipts,
    Refunds,
    /// With their items.
    Orders,
    /// Daily totals, every version.
    Sales,
    StockCounts,
    SoldOut,
    Waste,
    /// Of the run that speaks for each business day.
    Predictions,
    /// Likewise.
    Plan,
}

/// How a kind is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    ById,
    /// So many business days at a time.
    ByDays(u64),
}

impl ExportKind {
    pub const ALL: [Self; 17] = [
        Self::Categories,
        Self::Products,
        Self::Ingredients,
        Self::Recipes,
        Self::Promos,
        Self::Events,
        Self::Overrides,
        Self::Payments,
        Self::Receipts,
        Self::Refunds,
        Self::Orders,
        Self::Sales,
        Self::StockCounts,
        Self::SoldOut,
        Self::Waste,
        Self::Predictions,
        Self::Plan,
    ];

    /// As addresses and files have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Categories => "categories",
            Self::Products => "products",
            Self::Ingredients => "ingredients",
            Self::Recipes => "recipes",
            Self::Promos => "promos",
            Self::Events => "events",
            Self::Overrides => "overrides",
            Self::Payments => "payments",
            Self::Receipts => "receipts",
            Self::Refunds => "refunds",
            Self::Orders => "orders",
            Self::Sales => "sales",
            Self::StockCounts => "stock-counts",
            Self::SoldOut => "sold-out",
            Self::Waste => "waste",
            Self::Predictions => "predictions",
            Self::Plan => "plan",
        }
    }

    #[must_use]
    pub fn paging(self) -> Paging {
        match self {
            Self::Orders | Self::Predictions => Paging::ByDays(1),
            Self::Sales | Self::StockCounts | Self::SoldOut | Self::Waste | Self::Plan => Paging::ByDays(7),
            _ => Paging::ById,
        }
    }

    /// Names of the fields of a row.
    #[must_use]
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Categories => &["id", "name", "description", "parent_id", "created_at"],
            Self::Products => {
                &["id", "name", "category_id", "unit", "price", "batch_size", "shelf_life_days", "is_active", "first_sold_on", "created_at"]
            }
            Self::Ingredients => &[
                "id",
                "name",
                "category_id",
                "unit",
                "description",
                "pack_size",
                "pack_price",
                "shelf_life_days",
                "commodity",
                "created_at",
            ],
            Self::Recipes => &["id", "product_id", "ingredient_id", "yield_quantity", "yield_unit", "waste_share", "items", "created_at"],
            Self::Promos => &[
                "id",
                "product_id",
                "name",
                "starts_on",
                "ends_on",
                "discount_share",
                "price",
                "is_cancelled",
                "source",
                "available_at",
                "created_at",
            ],
            Self::Events => {
                &["id", "kind", "name", "starts_on", "ends_on", "likelihood", "is_cancelled", "source", "available_at", "created_at"]
            }
            Self::Overrides => &[
                "id",
                "product_id",
                "target_date",
                "quantity",
                "reason",
                "user_id",
                "run_id",
                "model_quantity",
                "revoked_at",
                "created_at",
            ],
            Self::Payments => &[
                "id",
                "order_id",
                "provider",
                "payment_method",
                "reference_id",
                "external_reference",
                "amount",
                "currency",
                "status",
                "failure_code",
                "expires_at",
                "payment_date",
                "created_at",
            ],
            Self::Receipts => &[
                "id",
                "payment_id",
                "provider",
                "external_payment_id",
                "request_id",
                "amount",
                "issuer",
                "attention",
                "received_at",
                "created_at",
            ],
            Self::Refunds => &[
                "id",
                "payment_id",
                "receipt_id",
                "reference_id",
                "external_reference",
                "amount",
                "reason",
                "status",
                "failure_code",
                "created_at",
            ],
            Self::Orders => &[
                "id",
                "source",
                "external_id",
                "customer_name",
                "customer_phone",
                "total_amount",
                "status",
                "order_date",
                "business_date",
                "items",
                "created_at",
            ],
            Self::Sales => {
                &["product_id", "product", "business_date", "source", "quantity", "revenue", "is_sold_out", "available_at", "recorded_at"]
            }
            Self::StockCounts => {
                &["id", "product_id", "ingredient_id", "business_date", "moment", "quantity", "note", "counted_at", "created_at"]
            }
            Self::SoldOut => &["id", "product_id", "business_date", "sold_out_at", "restocked_at", "source", "created_at"],
            Self::Waste => &["id", "product_id", "ingredient_id", "business_date", "quantity", "reason", "note", "created_at"],
            Self::Predictions => &[
                "run_id",
                "business_date",
                "type",
                "item",
                "item_id",
                "target_date",
                "step",
                "predicted_value",
                "q025",
                "q05",
                "q10",
                "q25",
                "q50",
                "q75",
                "q90",
                "q95",
                "q975",
                "confidence_score",
                "chosen",
                "rung",
            ],
            Self::Plan => &[
                "run_id",
                "business_date",
                "kind",
                "part_of_day",
                "item",
                "product_id",
                "ingredient_id",
                "unit",
                "need",
                "low",
                "high",
                "quantity",
                "pieces",
                "cost",
                "reason",
            ],
        }
    }
}
