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
#[allow(unused_qualifications)]
const _: () = {
    impl ::enact::HasOneHandler for Withdraw {
        type Output = <Result<Receipt, WithdrawError> as ::enact::IntoOutcome>::Output;
        type Entity = Account;
    }
    struct __Handler;
    impl ::enact::EntityHandler for __Handler {
        type Command = Withdraw;
        type Entity = Account;
        const CONSTRUCTS: &'static [&'static str] = &["MoneyWithdrawn", "Receipt"];
        fn creation() -> ::enact::Creation<Withdraw, Account> {
            ::enact::Creation::if_missing()
        }
        fn retry() -> ::enact::Retry {
            Retry::fixed(3, SECOND)
        }
        fn requires(__needs: &mut ::enact::context::Requirements) {
            __needs.of::<Box<dyn FraudAssessment>>();
        }
        async fn handle(
            __message: Withdraw,
            __entity: &mut Account,
            __context: &::enact::ExecutionContext,
        ) -> ::core::result::Result<
            <Result<Receipt, WithdrawError> as ::enact::IntoOutcome>::Output,
            ::enact::Failure,
        > {
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
    ::enact::register! {
        ::enact::Registration::entity_handler:: < __Handler > (::enact::source!())
    }
};
