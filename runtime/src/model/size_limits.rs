/// How large what is stored may be ([r08](crate::rules#r08)). The builder's methods document each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SizeLimits {
    pub(crate) payload_bytes: usize,
    pub(crate) output_bytes: usize,
    pub(crate) entity_bytes: usize,
    pub(crate) failure_bytes: usize,
    pub(crate) context_bytes: usize,
    pub(crate) key_bytes: usize,
    pub(crate) staged: usize,
    pub(crate) chain: u32,
}
