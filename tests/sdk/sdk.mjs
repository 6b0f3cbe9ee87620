// Stripe's official SDK, its host overridden, against the simulator.
//
//   node sdk.mjs http://127.0.0.1:12111
//
// Closes with the test runner's summary; exits with 1 when a test failed.
import './payments.mjs';
import './money.mjs';
import './disputes.mjs';
import './connect.mjs';
import './billing.mjs';
import './errors.mjs';
import './webhooks.mjs';
