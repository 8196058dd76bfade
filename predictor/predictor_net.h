/** @file predictor_net.h The predictor on the road: a planner's request in, weighted futures out.
 * With a network where one is named, else constant velocity with several futures.
 *
 *  A request brings each agent's last places at whatever times they were seen; they are put on the
 *  network's grid here. A gap of more than a second, or a jump that is no slip of the recorder
 *  (pred_input.h), cuts the past: an id that was given to somebody else brings nothing along. The
 * network's twenty modes are merged into six. Agents out of sight, and any whose answer would not
 * be finite, get constant velocity. The ego is one of the neighbours. The spread follows how the
 * answers of this episode came out (pred_watch.h). Ownership: the handle owns the network. Threads:
 * one user. Determinism: by the requests of an episode; the same bits for an agent in whatever
 * order he is listed. Allocation: in create only.
 */
#ifndef PREDICTOR_NET_H
#define PREDICTOR_NET_H

#include "predictor/predictor_config.h"

typedef struct predictor_net predictor_net;

/** Refuses a model that is named and cannot be read. */
HP_NODISCARD hp_status predictor_net_create(const predictor_config *config, predictor_net **out,
                                            hp_error *error);
void predictor_net_destroy(predictor_net **net);
bool predictor_net_has_model(const predictor_net *net);
void predictor_net_predict(predictor_net *net, const hp_predict_request *request,
                           hp_predict_reply *reply);

#endif
