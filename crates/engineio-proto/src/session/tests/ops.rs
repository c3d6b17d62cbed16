//! Any sequence of inputs keeps what `fuzzing` promises.

use proptest::{collection::vec, prelude::*};

use crate::session::fuzzing;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_sequence_of_inputs_keeps_the_promises(data in vec(any::<u8>(), 0..600)) {
        fuzzing::session(&data);
    }

    // Sessions that nothing ends on purpose live long enough to meet every policy.
    #[test]
    fn long_lives_keep_the_promises(
        first in 0_u8..4,
        inputs in vec((prop_oneof![Just(0_u8), Just(9), 10..24_u8, 13..19_u8, 21..23_u8], 0..24_u8), 0..400),
    ) {
        let mut data = vec![first];
        data.extend(inputs.into_iter().flat_map(|(input, argument)| [input, argument]));
        fuzzing::session(&data);
    }
}
