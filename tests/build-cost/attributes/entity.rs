
/// An account of kind KIND.
#[enact::entity]
pub struct AccountKIND {
    pub id: String,
    pub holder: String,
    pub balance_cents: i64,
    pub movements: u64,
}
