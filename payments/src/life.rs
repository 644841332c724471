//! The life of a payment: what it becomes when something is heard of it. Pure, so that every case can be written down and looked at.
//!
//! Words come late, twice and in any order. So each word is judged by what the payment *is*, never by what came before; only money moves a
//! payment that has ended; and money is never passed over: it pays the order, or a person is told to look.

/// What a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Meant, and not yet with the gateway, as far as we know.
    Pending,
    /// There is a code to be scanned.
    Awaiting,
    Succeeded,
    Failed,
    Expired,
    Cancelled,
    /// All money went back.
    Refunded,
}

impl Status {
    pub const ALL: [Self; 7] =
        [Self::Pending, Self::Awaiting, Self::Succeeded, Self::Failed, Self::Expired, Self::Cancelled, Self::Refunded];

    /// As in `payments.status`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Awaiting => "awaiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }

    /// The table holds no other.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Nothing but money moves it any more.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Awaiting)
    }
}

/// What its order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Waits for its money.
    Open,
    /// Paid by this very payment.
    PaidByThis,
    /// Paid by another one, or in cash.
    PaidOtherwise,
    /// Cancelled or refunded.
    TakenBack,
}

impl Standing {
    pub const ALL: [Self; 4] = [Self::Open, Self::PaidByThis, Self::PaidOtherwise, Self::TakenBack];
}

/// What is heard of a payment. Money is heard of once: that its id is new was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    Failed,
    Expired,
    Cancelled,
    /// `fits`: it is the amount and the currency that were asked for.
    Money {
        fits: bool,
    },
    /// All that came went back.
    AllReturned,
}

impl Word {
    pub const ALL: [Self; 6] =
        [Self::Failed, Self::Expired, Self::Cancelled, Self::Money { fits: true }, Self::Money { fits: false }, Self::AllReturned];
}

/// Why a person must look at money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attention {
    WrongAmount,
    /// The order has been paid already.
    SecondPayment,
    OrderTakenBack,
}

impl Attention {
    /// As in `payment_receipts.attention`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WrongAmount => "wrong_amount",
            Self::SecondPayment => "second_payment",
            Self::OrderTakenBack => "order_taken_back",
        }
    }
}

/// What a word does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// What the payment is from now on.
    pub status: Status,
    pub order: Option<OrderTurn>,
    pub attention: Option<Attention>,
}

/// What becomes of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderTurn {
    Paid,
    Refunded,
}

/// Judges a word.
#[must_use]
pub fn judge(status: Status, standing: Standing, word: Word) -> Turn {
    let stays = Turn { status, order: None, attention: None };
    match word {
        Word::Failed if status.is_open() => Turn { status: Status::Failed, ..stays },
        Word::Expired if status.is_open() => Turn { status: Status::Expired, ..stays },
        Word::Cancelled if status.is_open() => Turn { status: Status::Cancelled, ..stays },
        Word::Failed | Word::Expired | Word::Cancelled => stays,
        Word::Money { fits } => money(status, standing, fits),
        Word::AllReturned if status == Status::Succeeded => {
            let order = (standing == Standing::PaidByThis).then_some(OrderTurn::Refunded);
            Turn { status: Status::Refunded, order, ..stays }
        }
        Word::AllReturned => stays,
    }
}

/// Late money of an order that still waits for it is welcome, whatever its payment was thought to be.
fn money(status: Status, standing: Standing, fits: bool) -> Turn {
    let had_money = matches!(status, Status::Succeeded | Status::Refunded);
    let attention = match standing {
        _ if !fits => Some(Attention::WrongAmount),
        Standing::TakenBack => Some(Attention::OrderTakenBack),
        Standing::PaidByThis | Standing::PaidOtherwise => Some(Attention::SecondPayment),
        Standing::Open if had_money => Some(Attention::SecondPayment),
        Standing::Open => None,
    };
    let status = match (had_money, fits) {
        (true, _) => status,
        (false, true) => Status::Succeeded,
        // The code is used up, and the order is not paid.
        (false, false) if status.is_open() => Status::Failed,
        (false, false) => status,
    };
    Turn { status, order: attention.is_none().then_some(OrderTurn::Paid), attention }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every() -> impl Iterator<Item = (Status, Standing, Word, Turn)> {
        Status::ALL.into_iter().flat_map(|status| {
            Standing::ALL
                .into_iter()
                .flat_map(move |standing| Word::ALL.into_iter().map(move |word| (status, standing, word, judge(status, standing, word))))
        })
    }

    /// Every case, to be read by people.
    #[test]
    fn the_whole_table() {
        let mut table = String::new();
        for (status, standing, word, turn) in every() {
            let order = turn.order.map(|order| format!(", order {order:?}")).unwrap_or_default();
            let attention = turn.attention.map(|attention| format!(", look: {attention:?}")).unwrap_or_default();
            let stays = if turn.status == status { "stays".to_owned() } else { format!("-> {:?}", turn.status) };
            table += &format!(
                "{:<10} {:<14} {:<22} {stays}{order}{attention}\n",
                format!("{status:?}"),
                format!("{standing:?}"),
                format!("{word:?}")
            );
        }
        insta::assert_snapshot!("life", table);
    }

    #[test]
    fn money_is_never_passed_over() {
        for (status, standing, word, turn) in every().filter(|(_, _, word, _)| matches!(word, Word::Money { .. })) {
            let pays = turn.order == Some(OrderTurn::Paid);
            assert_ne!(pays, turn.attention.is_some(), "{status:?} {standing:?} {word:?}: it pays, or somebody looks");
        }
    }

    #[test]
    fn only_an_order_that_waits_is_paid_and_only_by_what_fits() {
        for (status, standing, word, turn) in every().filter(|(.., turn)| turn.order == Some(OrderTurn::Paid)) {
            assert_eq!((standing, word), (Standing::Open, Word::Money { fits: true }));
            assert!(!matches!(status, Status::Succeeded | Status::Refunded) && turn.status == Status::Succeeded);
        }
    }

    #[test]
    fn what_had_money_is_moved_by_its_return_alone() {
        for (status, _, word, turn) in every().filter(|(status, ..)| matches!(status, Status::Succeeded | Status::Refunded)) {
            assert!(turn.status == status || (status, word) == (Status::Succeeded, Word::AllReturned), "{status:?} {word:?}");
        }
    }

    #[test]
    fn what_has_ended_is_moved_by_money_alone_and_nothing_opens_again() {
        for (status, standing, word, turn) in every() {
            assert!(status.is_open() || !turn.status.is_open(), "{status:?} {standing:?} {word:?}");
            let ended_without_money = matches!(status, Status::Failed | Status::Expired | Status::Cancelled);
            assert!(!ended_without_money || turn.status == status || word == Word::Money { fits: true }, "{status:?} {word:?}");
        }
    }

    #[test]
    fn words_said_twice_say_nothing_new() {
        for (_, standing, word, turn) in every().filter(|(_, _, word, _)| !matches!(word, Word::Money { .. })) {
            let standing = match turn.order {
                Some(OrderTurn::Refunded) => Standing::TakenBack,
                Some(OrderTurn::Paid) => Standing::PaidByThis,
                None => standing,
            };
            assert_eq!(judge(turn.status, standing, word), Turn { status: turn.status, order: None, attention: None });
        }
    }

    #[test]
    fn names_are_those_of_the_table() {
        assert!(Status::ALL.into_iter().all(|status| Status::of_name(status.as_str()) == Some(status)));
        assert_eq!(Status::of_name("paid"), None);
    }
}
