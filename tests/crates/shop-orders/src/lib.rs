//! What a shop sells. It knows nothing of invoices.
#![forbid(unsafe_code)]

use enact::prelude::*;

/// An order.
#[entity]
pub struct Order {
    /// Its number.
    pub id: String,
    /// What it comes to.
    pub cents: u64,
    /// Whether it has been called off.
    pub is_cancelled: bool,
}

/// Order something.
#[command(target = order)]
pub struct PlaceOrder {
    /// The number that the order is to have.
    pub order: String,
    /// What it comes to.
    pub cents: u64,
}

/// Call an order off.
#[command(target = order)]
pub struct CancelOrder {
    /// Its number.
    pub order: String,
}

/// Something has been ordered.
#[event]
pub struct OrderPlaced {
    /// The order's number.
    pub order: String,
    /// What it comes to.
    pub cents: u64,
}

impl From<&PlaceOrder> for Order {
    fn from(placed: &PlaceOrder) -> Self {
        Self { id: placed.order.clone(), cents: placed.cents, is_cancelled: false }
    }
}

#[command(create = always)]
async fn place_order(placed: PlaceOrder, _order: &mut Order) {
    emit(OrderPlaced { order: placed.order, cents: placed.cents });
}

#[command]
async fn cancel_order(_: CancelOrder, order: &mut Order) {
    order.is_cancelled = true;
}
