#[allow(clippy::unused_async, clippy::needless_pass_by_value)]
async fn report(_: Report) {}
#[allow(unused_qualifications)]
const _: () = {
    impl ::enact::HasOneHandler for Report {
        type Output = <() as ::enact::IntoOutcome>::Output;
        type Entity = ();
    }
    const _: () = ::enact::__private::assert::untargeted::<Report>();
    struct __Handler;
    impl ::enact::CommandHandler for __Handler {
        type Command = Report;
        async fn handle(
            __message: Report,
            __context: &::enact::ExecutionContext,
        ) -> ::core::result::Result<
            <() as ::enact::IntoOutcome>::Output,
            ::enact::Failure,
        > {
            <() as ::enact::IntoOutcome>::into_outcome(report(__message).await)
        }
    }
    ::enact::register! {
        ::enact::Registration::command_handler:: < __Handler > (::enact::source!())
    }
};
