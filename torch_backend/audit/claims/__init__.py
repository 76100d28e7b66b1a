"""Claims that trained networks decide: the second half of the ledger in `rankone.claims`.

One file per claim. What several claims rest on is measured once in a process.

    ledger       LEDGER, the table of contents
    networks     the trained networks and their images
    convergence  how parallel random relevance becomes
    class_maps   how the maps of classes differ, layer by layer
    agreement    how alike maps remain when another class is asked for, or weights are destroyed

Claims, one a file: all_but_deeplift, all_converge_on_vgg16, alpha5_beta4_noisier, bootstrap_sample_size,
cascade_dense_layers, cmp_direction_trained, cmp_no_information, cmp_three_to_five, cross_multipliers,
decision_ignored, di_full_trained, drops_at_skips, ignore_later_layers, image_recovery_trained,
maps_keep_with_class, resnet_a2b1_trained, resnet_less_pronounced, roots_trained,
top_down_trained.
"""
