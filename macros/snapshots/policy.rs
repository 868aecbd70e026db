#[allow(clippy::needless_pass_by_value)]
fn fraud_policy(
    context: &ExecutionContext,
    limits: Arc<Limits>,
) -> Box<dyn FraudAssessment> {
    limits.of(context.tenant())
}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    impl ::enact::HasOnePolicy for dyn FraudAssessment
    where
        for<'__any> dyn FraudAssessment: ::enact::Strategy,
    {
        fn requires(__needs: &mut ::enact::context::Requirements) {
            <Arc<Limits> as ::enact::FromContext>::requires(__needs);
        }
        fn select(
            __context: &::enact::ExecutionContext,
        ) -> ::core::result::Result<::std::boxed::Box<Self>, ::enact::Failure> {
            ::core::result::Result::Ok(
                fraud_policy(
                    __context,
                    <Arc<Limits> as ::enact::FromContext>::from_context(__context)?,
                ),
            )
        }
    }
    ::enact::register! {
        ::enact::Registration::policy:: < dyn FraudAssessment > (::enact::source!())
    }
};
