//! What a shop is paid for: an invoice for each order, from the orders' own events.
#![forbid(unsafe_code)]

use enact::prelude::*;
use shop_orders::{CancelOrder, Order, OrderPlaced};

/// An invoice.
#[entity]
pub struct Invoice {
    /// The number of its order.
    pub id: String,
    /// What is to be paid.
    pub cents: u64,
}

/// Write an invoice.
#[command(target = order)]
pub struct Bill {
    /// The number of the order.
    pub order: String,
    /// What is to be paid.
    pub cents: u64,
}

impl From<&Bill> for Invoice {
    fn from(bill: &Bill) -> Self {
        Self { id: bill.order.clone(), cents: bill.cents }
    }
}

#[command(create = always)]
async fn bill(_: Bill, _invoice: &mut Invoice) {}

#[event_handler]
async fn bill_order(placed: OrderPlaced) {
    let OrderPlaced { order, cents } = placed;
    if cents == 0 {
        publish(CancelOrder { order });
    } else {
        publish(Bill { order, cents });
    }
}

/// An order is small enough to be billed.
#[invariant]
fn billable(order: &Order) -> bool {
    order.cents <= 1_000_000
}
