#[::enact::__private::async_trait]
impl FraudAssessment for AmountLimit {
    async fn assess(&self, withdrawal: &Withdraw) -> Verdict {
        Verdict::of(withdrawal.cents <= self.cents)
    }
}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    impl ::enact::Variant<<dyn FraudAssessment as ::enact::Strategy>::Tag>
    for AmountLimit {
        const NAME: &'static str = "amount_limit";
    }
    impl ::enact::__private::HasOneVariantNamed<9822580019997284609u64>
    for dyn FraudAssessment {}
    ::enact::register! {
        ::enact::Registration::variant:: < dyn FraudAssessment, AmountLimit >
        (::enact::source!())
    }
};
