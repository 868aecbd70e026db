
/// An account of kind KIND.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct AccountKIND {
    pub id: String,
    pub holder: String,
    pub balance_cents: i64,
    pub movements: u64,
}
