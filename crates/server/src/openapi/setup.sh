api() { # api VERB PATH [BODY]: one call with $KEY
  curl -sS -X "$1" "$URL$2" -H "Authorization: Bearer ${AS:-$KEY}" -H "Content-Type: application/json" \
    -H "Idempotency-Key: setup-$RANDOM$RANDOM$RANDOM" ${3:+-d "$3"}
}
stripe() { # stripe PATH [FIELD…]: one call to the built-in Stripe, on $ACCOUNT
  curl -sS "$STRIPE$1" -u sk_test_psapay_demo: ${ACCOUNT:+-H "Stripe-Account: $ACCOUNT"} "${@:2}"
}
pick() { grep -o "\"$1\": *\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; } # the first field of that name
wait_for() { # wait_for TEXT PATH: until an answer has it
  for _ in $(seq 150); do api GET "$2" | grep -q "$1" && return; sleep 0.1; done
  echo "no $1 at $2" >&2
}

CLIENT=$(api POST /api/clients '{"name":"Lakeside Architects LLP","email":"office@lakeside-arch.example"}' | pick id)
owed() { # owed AMOUNT [CLIENT]: a finalized invoice
  local lines="[{\"description\":\"On-site support\",\"quantity\":\"1\",\"unit_price\":$1}]" invoice
  invoice=$(api POST /api/invoices "{\"client_id\":\"${2:-$CLIENT}\",\"currency\":\"usd\",\"lines\":$lines}" | pick id)
  api POST "/api/invoices/$invoice/finalize" >/dev/null
  echo "$invoice"
}
paid() { # paid AMOUNT CARD [CLIENT]: an invoice that is paid by a test card; its payment
  local invoice intent
  invoice=$(owed "$1" "${3:-$CLIENT}")
  intent=$(api POST "/api/invoices/$invoice/payment-intent" '{}')
  ACCOUNT=$(echo "$intent" | pick stripe_account)
  stripe "/v1/payment_intents/$(echo "$intent" | pick stripe_payment_intent_id)/confirm" -d "payment_method=$2" >/dev/null
  wait_for '"status":"paid"' "/api/invoices/$invoice"
  echo "$intent" | pick payment_id
}
ACCOUNT=$(api GET /api/stripe/connect/status | pick stripe_account_id)
DRAFT=$(api POST /api/invoices "{\"client_id\":\"$CLIENT\",\"currency\":\"usd\"}" | pick id)
INVOICE=$(owed 14500)
INTENT_INVOICE=$(owed 9900)
PAY_LINK=$(api POST "/api/invoices/$INVOICE/links" '{"email":"ap@lakeside-arch.example"}' | pick id)
PAYMENT=$(paid 12500 pm_card_bypassPending)
REFUND=$(api POST /api/refunds "{\"payment_id\":\"$PAYMENT\",\"amount\":1000,\"settlement\":\"still_owed\"}" | pick id)
OFFLINE=$(api POST "/api/invoices/$(owed 4200)/offline-payments" '{"method":"bank_transfer"}' | pick id)
CREDIT_NOTE=$(api POST "/api/invoices/$INVOICE/credit-notes" '{"amount":500,"reason":"Agreed on the phone"}' | pick id)

# A client with credit: a credit note on an invoice that was paid.
CREDITED=$(api POST /api/clients '{"name":"Prairie Veterinary Clinic"}' | pick id)
paid 8000 pm_card_bypassPending "$CREDITED" >/dev/null
PAID=$(api GET "/api/invoices?client_id=$CREDITED" | pick id)
api POST "/api/invoices/$PAID/credit-notes" '{"amount":2000,"reason":"Hours that were not worked"}' >/dev/null
CREDIT_INVOICE=$(owed 3000 "$CREDITED")

# Two payments that a bank asks about.
paid 7000 pm_card_createDispute >/dev/null
paid 6500 pm_card_createDispute >/dev/null
wait_for '"id":"[^"]*".*"id":"[^"]*"' /api/disputes
DISPUTE=$(api GET /api/disputes | pick id)
OTHER_DISPUTE=$(api GET "/api/disputes?limit=1&after=$DISPUTE" | pick id)

# A payout, which the bank sends back, and a subscription of Stripe's own billing.
curl -sS "$STRIPE/_simulator/balance/release" -d "{\"account\":\"$ACCOUNT\"}" >/dev/null
PAYOUT=$(curl -sS "$STRIPE/_simulator/payouts" -d "{\"account\":\"$ACCOUNT\"}" | pick id)
curl -sS "$STRIPE/_simulator/payouts/$PAYOUT/fail" -d '{"code":"account_closed"}' >/dev/null
wait_for payout_failed /api/reconciliation-breaks
BREAK=$(api GET '/api/reconciliation-breaks?kind=payout_failed' | pick id)
CUSTOMER=$(stripe /v1/customers -d name=Harbor | pick id)
PRODUCT=$(stripe /v1/products -d name=Seats | pick id)
PRICE=$(stripe /v1/prices -d "product=$PRODUCT" -d currency=usd -d unit_amount=2500 -d 'recurring[interval]=month' | pick id)
SUBSCRIPTION=$(stripe /v1/subscriptions -d "customer=$CUSTOMER" -d "items[0][price]=$PRICE" \
  -d collection_method=send_invoice -d days_until_due=7 | pick id)
wait_for "$SUBSCRIPTION" /api/subscriptions
EVENT=$(api GET '/api/webhook-events?status=processed&limit=1' | pick id)

# What a payer's page has: a link, its page token, and a card that Stripe.js has taken.
TO_PAY=$(owed 14500)
LINK=$(api POST "/api/invoices/$TO_PAY/pay-link" | pick url | sed 's#.*/##')
PAGE_TOKEN=$(curl -sS "$URL/api/public/invoices/$LINK" | pick page_token)
CONFIRMATION_TOKEN=$(stripe /v1/test_helpers/confirmation_tokens -d payment_method=pm_card_visa | pick id)
OLD_KEY=$(api POST /api/keys '{"name":"Old","permissions":["clients:read"]}' | pick id)

# For the operator, and for tenants that have no account yet.
TENANT=$(AS=$PLATFORM_KEY api POST /api/tenants '{"name":"Bluebird Networks"}' | pick id)
OTHER=$(AS=$PLATFORM_KEY api POST /api/tenants '{"name":"Copper Hill IT","with_api_keys":true}')
OTHER_NEWCOMER_KEY=$(echo "$OTHER" | grep -o 'ppk_test_[A-Za-z0-9_]*' | head -n 1)
OWN_TENANT=$(AS=$PLATFORM_KEY api GET '/api/tenants?limit=100' | grep -o '"id":"ten_[^"]*","object":"tenant","name":"Northwind[^"]*"' | pick id)
OTHER=$(AS=$PLATFORM_KEY api POST /api/tenants '{"name":"Red Oak Systems","with_api_keys":true}')
NEWCOMER_KEY=$(echo "$OTHER" | grep -o 'ppk_test_[A-Za-z0-9_]*' | head -n 1)
FRESH_KEY=$(AS=$PLATFORM_KEY api POST /api/tenants '{"name":"Silver Lake MSP","with_api_keys":true}' |
  grep -o 'ppk_test_[A-Za-z0-9_]*' | head -n 1)
NEWCOMER_ACCOUNT=$(AS=$NEWCOMER_KEY api POST /api/stripe/connect/account '{"country":"US"}' | pick stripe_account_id)
mailed() { # mailed INVOICE: sends it, until the mail has gone out; the mail
  local mail
  api POST "/api/invoices/$1/send" >/dev/null
  mail=$(api GET "/api/invoices/$1/mails" | pick id)
  wait_for '"status":"sent"' "/api/mails/$mail"
  echo "$mail"
}
MAIL=$(mailed "$INVOICE")
BOUNCED_MAIL=$(mailed "$INTENT_INVOICE")
AS=$PLATFORM_KEY api POST "/api/platform/mails/$BOUNCED_MAIL/bounced" '{"reason":"550 no such user"}' >/dev/null
ACCOUNT= CUSTOMER=$(ACCOUNT= stripe /v1/customers -d name=Northwind | pick id)
PLATFORM_PRODUCT=$(ACCOUNT= stripe /v1/products -d name=Platform | pick id)
PLATFORM_PRICE=$(ACCOUNT= stripe /v1/prices -d "product=$PLATFORM_PRODUCT" -d currency=usd -d unit_amount=9900 \
  -d 'recurring[interval]=month' | pick id)
PLATFORM_SUBSCRIPTION=$(ACCOUNT= stripe /v1/subscriptions -d "customer=$CUSTOMER" -d "items[0][price]=$PLATFORM_PRICE" \
  -d collection_method=send_invoice -d days_until_due=7 | pick id)
curl -sS "$STRIPE/_simulator/balance/release" -d '{}' >/dev/null
PLATFORM_PAYOUT=$(stripe /v1/payouts -d amount=100 -d currency=usd | pick id)
for _ in $(seq 150); do
  AS=$PLATFORM_KEY api GET /api/platform/payouts | grep -q "$PLATFORM_PAYOUT" && break; sleep 0.1
done
sleep 2 # a page is looked at before somebody pays
