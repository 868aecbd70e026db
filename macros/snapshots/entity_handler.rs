#[allow(clippy::unused_async, clippy::needless_pass_by_value)]
/// Takes it out.
async fn withdraw(
    withdrawal: Withdraw,
    account: &mut Account,
    fraud: Box<dyn FraudAssessment>,
) -> Result<Receipt, WithdrawError> {
    emit(MoneyWithdrawn {
        cents: withdrawal.cents,
    });
    Ok(Receipt {})
}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    impl ::enact::HasOneHandler for Withdraw
    where
        for<'__any> Withdraw: ::enact::Command,
    {
        type Output = <Result<Receipt, WithdrawError> as ::enact::IntoOutcome>::Output;
        type Entity = Account;
    }
    struct __Handler;
    impl ::enact::Handler for __Handler {
        fn settings() -> ::enact::HandlerSettings {
            let __retry: ::enact::Retry = Retry::fixed(3, SECOND);
            ::enact::HandlerSettings::new().retry(__retry)
        }
        fn requires(__needs: &mut ::enact::context::Requirements) {
            <Box<dyn FraudAssessment> as ::enact::FromContext>::requires(__needs);
        }
        const CONSTRUCTS: &'static [&'static str] = &["MoneyWithdrawn", "Receipt"];
    }
    impl ::enact::EntityHandler for __Handler
    where
        for<'__any> Withdraw: ::enact::Command,
        for<'__any> Account: ::enact::TargetOf<Withdraw>,
    {
        type Command = Withdraw;
        type Entity = Account;
        fn creation() -> ::enact::Creation<Withdraw, Account> {
            ::enact::Creation::if_missing()
        }
        #[allow(clippy::manual_async_fn)]
        fn handle(
            __message: Withdraw,
            __entity: &mut Account,
            __context: &::enact::ExecutionContext,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<
                <Withdraw as ::enact::HasOneHandler>::Output,
                ::enact::Failure,
            >,
        > + ::core::marker::Send {
            async move {
                <Result<
                    Receipt,
                    WithdrawError,
                > as ::enact::IntoOutcome>::into_outcome(
                    withdraw(
                            __message,
                            __entity,
                            <Box<
                                dyn FraudAssessment,
                            > as ::enact::FromContext>::from_context(__context)?,
                        )
                        .await,
                )
            }
        }
    }
    ::enact::register! {
        ::enact::Registration::entity_handler:: < __Handler > (::enact::source!())
    }
};
