"""Each row of docs/contract/device_flow.md 1.1 to 1.10, and the tests that prove it; test_rows.py checks that it is whole."""

# Below: the files' names, from tests/.
DEVICE = "oauth/test_device_authorization.py"
POLL = "oauth/test_device_code.py"
PACE = "oauth/test_pace.py"
FLOWS = "oauth/test_device_flows.py"
TOKEN = "oauth/test_token.py"
CLIENT = "oauth/test_client_authentication.py"
FORM = "oauth/test_parameters.py"
REFRESH = "oauth/test_refresh_token.py"
CODE = "oauth/test_authorization_code.py"
REVOKE = "oauth/test_revocation.py"
INTROSPECT = "oauth/test_introspection.py"
USERINFO = "oauth/test_userinfo.py"
KEYS = "oauth/test_jwks.py"
METADATA = "oauth/test_metadata.py"
ISSUERS = "oauth/test_issuers.py"
TOKENS = "oauth/test_tokens.py"
STORED = "oauth/test_stored_tokens.py"
SWEEPER = "oauth/test_sweeper.py"
ANSWERS = "oauth/test_answers.py"
ENDPOINTS = "oauth/test_endpoints.py"
DOOR = "oauth/test_door.py"
SERVER = "oauth/test_server.py"
REPORT = "oauth/test_report.py"
PEOPLE = "oauth/test_verification.py"
LOGIN = "oauth/test_login.py"
PAGES = "oauth/pages/test_pages.py"
RENDER = "oauth/pages/test_render.py"
CONTROL = "control/test_device.py"
ROTATION = "control/test_keys.py"
TLS = "test_tls.py"
BANNER = "test_banner.py"
CLIENTS = "clients/test_rules.py"

PROVED: dict[str, list[tuple[str, str]]] = {
    "DA-01": [(DEVICE, "test_a_flow_begins"), (DEVICE, "test_only_post_is_served")],
    "DA-02": [
        (DEVICE, "test_another_media_type"),
        (DEVICE, "test_the_media_type_of_a_form"),
        (DEVICE, "test_parameters_in_the_query"),
    ],
    "DA-03": [(DEVICE, "test_no_client_id")],
    "DA-04": [(DEVICE, "test_no_scope")],
    "DA-05": [
        (TLS, "test_clients_that_trust_the_authority_take_it"),
        (BANNER, "test_the_whole_text"),
        (BANNER, "test_uvicorns_own_options_hold"),
    ],
    "DA-06": [(DEVICE, "test_no_scope"), (DEVICE, "test_no_client_id")],
    "DA-07": [(DEVICE, "test_unknown_parameters_are_ignored")],
    "DA-08": [(DEVICE, "test_no_parameter_twice"), (DEVICE, "test_several_resources")],
    "DA-09": [
        (DEVICE, "test_a_confidential_client_authenticates"),
        (DEVICE, "test_a_confidential_client_without_its_secret"),
    ],
    "DA-10": [(CLIENT, "test_a_public_client")],
    "DA-11": [
        (REPORT, "test_flows_back_to_back_are_told"),
        (REPORT, "test_a_flow_right_after_a_failure_is_told"),
        (CONTROL, "test_a_flow_right_after_a_failure_is_told"),
    ],
    "DA-12": [(DEVICE, "test_a_flow_begins")],
    "DA-13": [(DEVICE, "test_a_flow_begins"), (DEVICE, "test_the_place_to_type_the_code")],
    "DA-15": [(DEVICE, "test_the_place_to_type_the_code")],
    "DA-16": [
        (DEVICE, "test_the_place_to_type_the_code"),
        (PEOPLE, "test_the_address_with_the_code_in_it"),
    ],
    "DA-17": [
        (POLL, "test_an_expired_flow"),
        (POLL, "test_an_approval_that_nobody_fetches_expires"),
        (PEOPLE, "test_an_expired_code"),
    ],
    "DA-18": [(DEVICE, "test_a_flow_begins"), (CLIENTS, "test_x01_the_interval_is_a_whole_number_of_at_least_one")],
    "DA-19": [
        (DEVICE, "test_the_codes"),
        (DEVICE, "test_a_user_code_that_is_taken_is_drawn_again"),
        (DEVICE, "test_a_seeded_stand_in_that_starts_again"),
        ("test_migrations.py", "test_a_user_code_belongs_to_one_flow"),
    ],
    "DA-20": [(DEVICE, "test_a_flow_begins")],
    "DA-21": [(DEVICE, "test_an_unknown_client")],
    "DA-22": [(DEVICE, "test_a_client_without_this_grant")],
    "DA-23": [(DEVICE, "test_a_scope_that_is_not_to_be_had")],
    "DA-24": [(POLL, "test_an_expired_flow"), (PEOPLE, "test_an_expired_code")],
    "DA-25": [(DEVICE, "test_a_flow_begins")],
    "UI-01": [(PEOPLE, "test_the_form_for_the_code"), (PEOPLE, "test_a_person_approves")],
    "UI-02": [
        (PEOPLE, "test_a_decision_without_login"),
        (PEOPLE, "test_a_decision_after_the_session_has_ended"),
        (TLS, "test_clients_that_trust_the_authority_take_it"),
    ],
    "UI-03": [
        (PEOPLE, "test_the_question"),
        (PAGES, "test_the_confirmation_says_what_is_approved_and_for_which_device"),
    ],
    "UI-04": [(PAGES, "test_every_end_sends_the_person_back_to_the_device"), (PEOPLE, "test_a_person_approves")],
    "UI-05": [(PEOPLE, "test_the_device_code_is_nowhere"), (SERVER, "test_nothing_secret_is_logged")],
    "UI-06": [(DEVICE, "test_the_place_to_type_the_code")],
    "UI-07": [(PEOPLE, "test_a_wrong_code"), (PEOPLE, "test_a_wrong_code_can_be_mended")],
    "UI-08": [(PEOPLE, "test_the_address_with_the_code_in_it")],
    "UI-09": [
        (PEOPLE, "test_the_question"),
        (PAGES, "test_the_confirmation_says_what_is_approved_and_for_which_device"),
    ],
    "UI-10": [(PEOPLE, "test_a_get_approves_nothing")],
    "UI-11": [
        (PEOPLE, "test_the_question"),
        (PAGES, "test_the_confirmation_says_what_is_approved_and_for_which_device"),
    ],
    "UI-12": [
        (PEOPLE, "test_the_question"),
        (PAGES, "test_the_confirmation_says_what_is_approved_and_for_which_device"),
    ],
    "UI-13": [(PEOPLE, "test_spellings"), (FLOWS, "test_a_code_as_people_type_it")],
    "UI-14": [(PEOPLE, "test_spellings"), (FLOWS, "test_a_code_as_people_type_it")],
    "UI-15": [(PEOPLE, "test_spellings"), (FLOWS, "test_a_code_as_people_type_it")],
    "UI-16": [(DEVICE, "test_the_codes"), (FLOWS, "test_the_alphabet")],
    "UI-18": [(PEOPLE, "test_a_form_of_somebody_else")],
    "UI-19": [(RENDER, "test_every_page_forbids_frames_referrers_guessed_types_and_caches")],
    "UI-20": [
        (PEOPLE, "test_a_wrong_code"),
        (PEOPLE, "test_an_expired_code"),
        (PEOPLE, "test_a_code_that_was_used"),
    ],
    "UI-21": [(PEOPLE, "test_a_person_denies"), (POLL, "test_a_denied_flow")],
    "UI-22": [(CONTROL, "test_an_approval_logs_the_device_in")],
    "UI-23": [(PEOPLE, "test_a_person_approves"), (PAGES, "test_a_page_runs_nothing_and_asks_no_other_host")],
    "UI-24": [(PAGES, "test_the_simulator_shows_what_a_device_shows")],
    "TK-01": [(POLL, "test_another_grant_type")],
    "TK-02": [(POLL, "test_a_parameter_that_is_missing")],
    "TK-03": [(POLL, "test_a_parameter_that_is_missing")],
    "TK-04": [(POLL, "test_a_confidential_client_authenticates_on_each_poll")],
    "TK-05": [(POLL, "test_a_pending_flow"), (PEOPLE, "test_the_device_waits_at_every_step")],
    "TK-06": [(POLL, "test_two_polls_at_once")],
    "TK-07": [
        (POLL, "test_slow_down_adds_five_seconds_for_good"),
        (POLL, "test_a_client_that_obeys_is_never_told_twice"),
        (PACE, "test_each_rejected_poll_adds_five_seconds_for_good"),
    ],
    "TK-08": [
        (POLL, "test_a_decided_flow_is_never_too_fast"),
        (POLL, "test_an_expired_flow_is_never_too_fast"),
    ],
    "TK-09": [(POLL, "test_the_first_poll_at_once"), (PACE, "test_the_first_poll_is_never_too_early")],
    "TK-09b": [
        (POLL, "test_a_steady_client_with_jitter"),
        (POLL, "test_fifty_polls_at_the_interval"),
        (POLL, "test_a_steady_fast_client_comes_through"),
        (PACE, "test_the_jitter_that_is_allowed"),
        (PACE, "test_a_clock_that_was_set_back_keeps_nobody_waiting"),
    ],
    "TK-10": [(POLL, "test_a_denied_flow")],
    "TK-11": [(POLL, "test_an_expired_flow"), (SWEEPER, "test_an_expired_flow_is_remembered_for_an_hour")],
    "TK-12": [
        (POLL, "test_a_denied_flow"),
        (POLL, "test_an_expired_flow"),
        (POLL, "test_a_denial_is_told_after_the_expiry_too"),
        (FLOWS, "test_the_first_decision_holds"),
    ],
    "TK-13": [(POLL, "test_an_approved_flow")],
    "TK-14": [(POLL, "test_an_unknown_code")],
    "TK-15": [(POLL, "test_the_code_of_another_client")],
    "TK-16": [(POLL, "test_a_code_is_good_for_one_token")],
    "TK-17": [
        (POLL, "test_twenty_polls_race_for_an_approved_code"),
        (POLL, "test_two_servers_on_one_database"),
    ],
    "TK-18": [
        (POLL, "test_an_approved_flow"),
        (POLL, "test_a_client_without_the_refresh_grant_gets_no_refresh_token"),
    ],
    "TK-19": [(POLL, "test_an_approved_flow"), (POLL, "test_a_reduced_consent_shows_in_the_scope")],
    "TK-20": [(POLL, "test_unknown_parameters_are_ignored")],
    "TK-21": [
        (FLOWS, "test_the_polls_of_a_flow"),
        (REPORT, "test_a_client_that_keeps_pace_is_correct"),
        (CONTROL, "test_a_client_that_ignores_slow_down_is_deaf"),
    ],
    "TK-22": [
        (REPORT, "test_polls_after_a_final_answer_are_relentless"),
        (CONTROL, "test_a_client_that_does_not_stop_is_relentless"),
    ],
    "TK-24": [
        (REPORT, "test_a_flow_some_time_after_a_failure_is_no_warning"),
        (REPORT, "test_a_flow_right_after_a_failure_is_told"),
    ],
    "SEC-01": [
        (PEOPLE, "test_five_wrong_codes_of_one_address"),
        (PEOPLE, "test_five_wrong_codes_of_one_session"),
        (PEOPLE, "test_guesses_that_race"),
    ],
    "SEC-02": [(FLOWS, "test_the_alphabet"), (PEOPLE, "test_five_wrong_codes_of_one_address")],
    "SEC-03": [(DEVICE, "test_the_codes"), ("test_chance.py", "test_a_token_has_256_bits_unless_told_otherwise")],
    "SEC-04": [(POLL, "test_guessing_device_codes_is_limited")],
    "SEC-05": [(PEOPLE, "test_the_question")],
    "SEC-06": [(DEVICE, "test_a_flow_begins"), (DEVICE, "test_interval_and_lifetime_are_settings")],
    "SEC-08": [
        (CLIENT, "test_a_public_client"),
        (CONTROL, "test_two_ways_of_authentication_and_a_shipped_secret_are_told"),
    ],
    "SEC-10": [
        (SERVER, "test_nothing_secret_is_logged"),
        (RENDER, "test_every_page_forbids_frames_referrers_guessed_types_and_caches"),
        (FORM, "test_no_sentence_repeats_a_value"),
        (FORM, "test_parameters_in_the_query"),
    ],
    "SEC-11": [
        (PEOPLE, "test_a_success_wipes_nothing"),
        (LOGIN, "test_a_success_wipes_nothing"),
        (CLIENT, "test_a_right_secret_does_not_wipe_the_count"),
    ],
    "OA-01": [(ANSWERS, "test_no_letter_leads_out_of_what_is_allowed"), (TOKEN, "test_an_unknown_grant_type")],
    "OA-02": [(POLL, "test_an_approved_flow"), (POLL, "test_a_pending_flow"), (ANSWERS, "test_an_error")],
    "OA-03": [(POLL, "test_an_approved_flow")],
    "OA-04": [(POLL, "test_an_approved_flow")],
    "OA-05": [(CLIENT, "test_basic_and_body"), (METADATA, "test_every_way_to_authenticate_works")],
    "OA-06": [(CLIENT, "test_the_secret_in_the_query")],
    "OA-07": [(CLIENT, "test_id_and_secret_are_form_encoded_before_base64")],
    "OA-08": [(CLIENT, "test_two_ways_at_once")],
    "OA-09": [(CLIENT, "test_a_wrong_secret"), (CLIENT, "test_an_authorization_header_that_names_nobody")],
    "OA-10": [(TOKEN, "test_no_grant_type"), (TOKEN, "test_an_unknown_grant_type")],
    "OA-11": [(DEVICE, "test_a_client_without_this_grant"), (POLL, "test_a_client_without_this_grant")],
    "OA-12": [
        (DEVICE, "test_a_scope_that_is_not_to_be_had"),
        (DEVICE, "test_the_order_of_scopes_is_free"),
        (REFRESH, "test_a_wider_scope"),
    ],
    "OA-13": [
        (FORM, "test_what_is_badly_encoded"),
        (FORM, "test_raw_bytes_that_are_no_utf_8"),
        (FORM, "test_a_known_parameter_twice"),
        (FORM, "test_a_body_that_is_too_large"),
        (CLIENT, "test_two_clients_at_once"),
    ],
    "OA-14": [(TOKEN, "test_only_post_is_served")],
    "OA-15": [
        (FORM, "test_a_parameter_without_value_counts_as_absent"),
        (FORM, "test_a_known_parameter_twice"),
        (POLL, "test_unknown_parameters_are_ignored"),
    ],
    "OA-16": [(DEVICE, "test_no_scope")],
    "OA-17": [
        (REFRESH, "test_another_client"),
        (REFRESH, "test_a_wider_scope"),
        (REFRESH, "test_a_narrower_scope"),
        (REFRESH, "test_a_confidential_client_authenticates"),
        (TOKENS, "test_a_narrower_scope_is_the_access_tokens_alone"),
    ],
    "OA-18": [
        (REFRESH, "test_reuse_ends_the_whole_grant"),
        (REFRESH, "test_two_refreshes_at_once"),
        (REFRESH, "test_without_rotation"),
        (SWEEPER, "test_a_used_refresh_token_is_remembered_while_it_would_have_been_good"),
    ],
    "OA-19": [(CLIENT, "test_guessing_a_secret_is_limited"), (LOGIN, "test_five_wrong_passwords_of_one_address")],
    "OA-20": [(TLS, "test_clients_that_trust_the_authority_take_it")],
    "OA-21": [(USERINFO, "test_what_is_no_token"), (USERINFO, "test_without_credentials")],
    "OA-22": [(DOOR, "test_a_preflight"), (DOOR, "test_an_answer_to_another_origin")],
    "MD-01": [(METADATA, "test_the_document"), (ISSUERS, "test_the_path")],
    "MD-02": [(METADATA, "test_the_document")],
    "MD-03": [
        (METADATA, "test_the_document"),
        (METADATA, "test_the_issuer_follows_the_host"),
        (METADATA, "test_the_issuer_is_the_one_of_the_tokens"),
    ],
    "MD-04": [(METADATA, "test_the_document"), (METADATA, "test_every_address_answers")],
    "MD-05": [(METADATA, "test_the_document")],
    "MD-06": [(METADATA, "test_the_document")],
    "MD-07": [(METADATA, "test_the_document")],
    "MD-08": [(METADATA, "test_every_way_to_authenticate_works")],
    "MD-09": [(METADATA, "test_every_address_answers"), (METADATA, "test_every_way_to_authenticate_works")],
    "MD-10": [(METADATA, "test_the_document")],
    "MD-11": [
        (METADATA, "test_every_address_answers"),
        (METADATA, "test_every_way_to_authenticate_works"),
        (METADATA, "test_every_grant_and_scope_works"),
        (CODE, "test_a_code_is_exchanged"),
    ],
    "MD-12": [(METADATA, "test_the_issuer_follows_the_host"), (METADATA, "test_the_issuer_can_be_fixed")],
    "MD-13": [(METADATA, "test_the_document")],
    "RV-01": [(REVOKE, "test_an_access_token"), (REVOKE, "test_only_post")],
    "RV-02": [(REVOKE, "test_the_token_of_another_client"), (REVOKE, "test_a_confidential_client_authenticates")],
    "RV-03": [(REVOKE, "test_an_unknown_token"), (REVOKE, "test_a_token_that_is_revoked_or_expired")],
    "RV-04": [(REVOKE, "test_an_access_token"), (REVOKE, "test_a_refresh_token")],
    "RV-05": [(REVOKE, "test_a_hint_hides_nothing")],
    "RV-06": [(REVOKE, "test_a_refresh_token"), (REVOKE, "test_an_access_token")],
    "RV-09": [(REVOKE, "test_no_token")],
    "IN-01": [(INTROSPECT, "test_a_live_access_token"), (INTROSPECT, "test_no_token"), (INTROSPECT, "test_only_post")],
    "IN-02": [(INTROSPECT, "test_the_caller_authenticates")],
    "IN-03": [(INTROSPECT, "test_a_live_access_token"), (INTROSPECT, "test_a_live_refresh_token")],
    "IN-04": [
        (INTROSPECT, "test_an_unknown_token"),
        (INTROSPECT, "test_an_expired_token"),
        (INTROSPECT, "test_a_token_of_another_issuer"),
        (REVOKE, "test_an_access_token"),
    ],
    "IN-05": [
        (INTROSPECT, "test_an_expired_token"),
        (INTROSPECT, "test_a_token_that_was_tampered_with"),
        (INTROSPECT, "test_a_used_refresh_token"),
        (STORED, "test_a_forged_signature"),
    ],
    "JK-01": [(KEYS, "test_the_set")],
    "JK-02": [(KEYS, "test_the_set"), (KEYS, "test_tokens_from_before_and_after_a_rotation")],
    "JK-03": [(KEYS, "test_the_set"), (KEYS, "test_no_private_member_comes_out")],
    "JK-04": [(KEYS, "test_tokens_from_before_and_after_a_rotation"), (KEYS, "test_the_set")],
    "JK-05": [
        ("oauth/test_signing.py", "test_a_rotation"),
        (KEYS, "test_tokens_from_before_and_after_a_rotation"),
        (ROTATION, "test_the_old_key_stays_while_its_tokens_live"),
        (SWEEPER, "test_an_old_key_is_kept_while_its_tokens_live"),
    ],
    "JK-06": [(KEYS, "test_the_set")],
    "AT-01": [
        (KEYS, "test_an_access_token"),
        (USERINFO, "test_a_token_with_a_known_key_and_hostile_parts"),
        (STORED, "test_a_forged_signature"),
    ],
    "AT-02": [(KEYS, "test_an_access_token")],
    "AT-03": [(KEYS, "test_an_access_token")],
    "AT-04": [(KEYS, "test_the_time_of_the_login_is_the_decision")],
    "AT-05": [(KEYS, "test_an_access_token")],
    "AT-06": [
        (KEYS, "test_an_access_token"),
        (KEYS, "test_the_audience_is_what_was_asked_for"),
        (TOKENS, "test_the_audience"),
    ],
    "AT-07": [
        (KEYS, "test_an_access_token_and_an_id_token_cannot_be_mixed_up"),
        (USERINFO, "test_other_tokens"),
        (INTROSPECT, "test_an_id_token_is_no_access_token"),
        (STORED, "test_a_signed_one_of_another_type"),
    ],
    "ID-01": [(KEYS, "test_an_id_token"), (POLL, "test_without_the_scope_openid_there_is_no_id_token")],
    "ID-02": [(KEYS, "test_an_id_token"), (METADATA, "test_the_issuer_is_the_one_of_the_tokens")],
    "ID-03": [(KEYS, "test_an_id_token"), (KEYS, "test_there_is_no_nonce_unless_one_was_sent")],
    "ID-04": [(KEYS, "test_the_subject_is_stable")],
    "ID-05": [(REFRESH, "test_a_refreshed_id_token")],
    "ID-07": [(USERINFO, "test_the_claims_of_the_user"), (USERINFO, "test_what_is_no_token")],
    "X-01": [
        (DEVICE, "test_a_flow_begins"),
        (CLIENTS, "test_x01_the_interval_is_a_whole_number_of_at_least_one"),
        (CLIENTS, "test_x01_no_other_interval_can_be_set"),
    ],
    "X-02": [
        (POLL, "test_an_approved_flow"),
        (REFRESH, "test_a_refresh"),
        (CLIENTS, "test_x02_every_token_answer_tells_the_scope"),
    ],
    "X-03": [
        (ENDPOINTS, "test_every_answer_is_json"),
        (ENDPOINTS, "test_another_method"),
        (ENDPOINTS, "test_a_fault_of_ours"),
        (ENDPOINTS, "test_a_database_that_does_not_answer"),
        (ISSUERS, "test_host_header_games"),
        (CLIENTS, "test_x03_every_answer_is_json"),
    ],
    "X-04": [
        (DEVICE, "test_a_flow_begins"),
        (POLL, "test_an_approved_flow"),
        (CLIENTS, "test_x04_members_have_the_rfc_names"),
    ],
    "X-05": [
        (POLL, "test_a_pending_flow"),
        (POLL, "test_two_polls_at_once"),
        (CLIENTS, "test_x05_x06_x12_waiting_is_told_with_400_from_the_first_poll_on"),
    ],
    "X-06": [
        (POLL, "test_the_first_poll_at_once"),
        (CLIENTS, "test_x05_x06_x12_waiting_is_told_with_400_from_the_first_poll_on"),
    ],
    "X-07": [
        (POLL, "test_an_expired_flow"),
        (CLIENTS, "test_x07_a_final_answer_is_remembered"),
        (SWEEPER, "test_an_expired_flow_is_remembered_for_an_hour"),
    ],
    "X-08": [
        (METADATA, "test_the_issuer_follows_the_host"),
        (CLIENTS, "test_x08_x11_both_documents_name_the_issuer_exactly"),
    ],
    "X-09": [
        (DEVICE, "test_unknown_parameters_are_ignored"),
        (POLL, "test_unknown_parameters_are_ignored"),
        (CLIENTS, "test_x09_parameters_of_msal_are_ignored"),
    ],
    "X-10": [
        (CLIENTS, "test_x10_metadata_has_what_msal_looks_for"),
        ("clients/test_msal.py", "test_logs_in_and_refreshes"),
    ],
    "X-11": [(METADATA, "test_the_document"), (CLIENTS, "test_x08_x11_both_documents_name_the_issuer_exactly")],
    "X-12": [
        (POLL, "test_two_polls_at_once"),
        (CLIENTS, "test_x05_x06_x12_waiting_is_told_with_400_from_the_first_poll_on"),
    ],
    "X-13": [
        (FORM, "test_json_where_it_is_allowed"),
        (FORM, "test_a_whole_flow_in_json"),
        (DEVICE, "test_parameters_in_the_query"),
        (TOKEN, "test_a_poll_by_the_query"),
        (CONTROL, "test_parameters_in_the_query_are_told"),
    ],
    "X-14": [
        (DEVICE, "test_the_media_type_of_a_form"),
        (CLIENTS, "test_x14_a_charset_in_the_content_type_is_fine"),
    ],
}

LEFT_OUT: dict[str, str] = {
    "UI-17": "Optional. The alphabet has no letter that another one, outside of it, could be meant for.",
    "TK-23": "It takes dropped connections to observe, which the faults of issue 6 bring.",
    "TK-25": "Optional, and in place of polling: tests decide a flow by one call and poll once.",
    "SEC-07": "A duty of the client's surroundings: who sees its screen cannot be observed from here.",
    "SEC-09": "A duty of the client's surroundings, as SEC-07.",
    "RV-07": "Optional: every type of token is supported; a 503 on demand is one of the faults of issue 6.",
}
