/** @file policy_features.h What the networks see: one function for trainer, root and tree nodes.
 *
 *  A scene is encoded once per decision: the path, and the relevant others in the path's own frame
 *  with their futures. A look is the small rest that changes from node to node: the ego, and where
 *  each other is believed to be, with weights over its futures. Nothing here knows goals or
 * scripts. Sides are mirrored away, so left and right are the same. Ownership: plain data. Threads:
 * pure. Determinism: bit-identical. Allocation: none. */
#ifndef POLICY_FEATURES_H
#define POLICY_FEATURES_H

#include "proto/hp_msgs.h"

enum {
    POLICY_PLAIN = 16, /* features of ego and path */
    POLICY_SLOTS = 8,  /* others: agents first, then places where somebody may step out */
    POLICY_SLOT = 28,  /* features of each */
    POLICY_ROW = POLICY_PLAIN + POLICY_SLOTS * POLICY_SLOT,
    POLICY_CHOICES = 3, /* accelerations that the network was trained for */
};

/** An other in the path's frame: s along it, lateral to the left. */
typedef struct policy_other {
    bool phantom, walker;
    uint32_t agent; /* index in the request, of agents or of phantoms */
    double half_along_m, half_across_m;
    double age_s, rate_hz; /* of crossing, or of stepping out */
    double walk_mps;       /* phantoms: how fast */
    uint32_t n_modes;
    double s_m[HP_MAX_MODES][HP_MAX_STEPS + 1]; /* point 0 is the place now */
    double lateral_m[HP_MAX_MODES][HP_MAX_STEPS + 1];
    double sigma_m[HP_MAX_MODES][HP_MAX_STEPS + 1];
} policy_other;

typedef struct policy_place {
    double s_m, lateral_m, along_mps, across_mps;
    double age_s;                 /* since last seen */
    double weights[HP_MAX_MODES]; /* of the futures ... */
    /* ... of those who left theirs and go straight on, so fast, and of those who stand. The root
     * has none of either: there the futures say it all. */
    double straight_p, stands_p, straight_across_mps;
    bool emerged; /* a phantom no more: he has stepped out */
} policy_place;

/** The ego and the others at one moment, time_s after the scene was encoded. */
typedef struct policy_look {
    double time_s;
    double ego_s_m, ego_speed_mps, ego_accel_mps2;
    uint32_t last_action;
    policy_place places[POLICY_SLOTS];
} policy_look;

typedef struct policy_scene {
    double goal_s_m, limit_mps, floor_mps, ego_half_length_m, ego_half_width_m;
    double step_s;
    uint32_t n_steps;
    uint32_t n_path;
    double path_s_m[HP_MAX_PATH], path_mps[HP_MAX_PATH];
    uint32_t n_agents, n_others; /* the first n_agents are agents, the rest phantoms */
    policy_other others[POLICY_SLOTS];
    policy_look root;
} policy_scene;

void policy_scene_encode(const hp_plan_request *request, policy_scene *scene);
void policy_features(const policy_scene *scene, const policy_look *look, float row[POLICY_ROW]);

#endif
