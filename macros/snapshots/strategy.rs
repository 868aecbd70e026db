#[doc(hidden)]
#[allow(non_camel_case_types, clippy::exhaustive_enums)]
pub enum __FraudAssessment {}
#[::enact::__private::async_trait]
/// How suspicious a withdrawal is.
pub trait FraudAssessment: ::core::marker::Send + ::core::marker::Sync + ::enact::strategy::AnyVariant<
        __FraudAssessment,
    > {
    /// Judges it.
    async fn assess(&self, withdrawal: &Withdraw) -> Verdict;
}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    impl ::enact::Strategy for dyn FraudAssessment {
        const NAME: &'static str = "FraudAssessment";
        type Tag = __FraudAssessment;
    }
    ::enact::register! {
        ::enact::Registration::strategy:: < dyn FraudAssessment > (::enact::source!())
    }
};
