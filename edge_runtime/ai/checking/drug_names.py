"""Names of drugs beside those of the clinic's own table: what is commonly prescribed, with the brands people say.

Owns a list for recognition only; it says nothing of what a drug does. `drugs` adds the clinic's table, its classes and
the stems of international names. One entry is `ingredient=brand,brand`; a low line stands for a space. The list was
written from general knowledge of these names, without opening the publications, and awaits a pharmacist's check.

Source: WHO, International Nonproprietary Names, and the ATC/DDD Index (ingredients); the brands are those of the
products' own prescribing information in the United States.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.ai.checking.words import listed

NAMES: Final = """
amlodipine=norvasc nifedipine=procardia,adalat felodipine=plendil nicardipine=cardene diltiazem=cardizem,tiazac
verapamil=calan,isoptin,verelan metoprolol=lopressor,toprol,toprol_xl,metoprolol_tartrate,metoprolol_succinate
atenolol=tenormin propranolol=inderal carvedilol=coreg bisoprolol=zebeta,concor nebivolol=bystolic labetalol=trandate
nadolol=corgard sotalol=betapace esmolol=brevibloc timolol=timoptic pindolol acebutolol clonidine=catapres
hydralazine=apresoline minoxidil=rogaine,loniten prazosin=minipress doxazosin=cardura terazosin=hytrin
tamsulosin=flomax alfuzosin=uroxatral silodosin=rapaflo spironolactone=aldactone eplerenone=inspra
triamterene=dyrenium,dyazide,maxzide amiloride chlorothiazide=diuril ethacrynic_acid=edecrin mannitol
digoxin=lanoxin,digitek amiodarone=pacerone,cordarone dronedarone=multaq flecainide=tambocor propafenone=rythmol
dofetilide=tikosyn mexiletine quinidine procainamide disopyramide=norpace adenosine=adenocard ivabradine=corlanor
ranolazine=ranexa isosorbide=imdur,isordil,isosorbide_mononitrate,isosorbide_dinitrate
nitroglycerin=nitrostat,nitro,glyceryl_trinitrate,nitroglycerine warfarin=coumadin,jantoven apixaban=eliquis
rivaroxaban=xarelto dabigatran=pradaxa edoxaban=savaysa clopidogrel=plavix prasugrel=effient ticagrelor=brilinta
dipyridamole=persantine,aggrenox cilostazol=pletal pentoxifylline=trental alteplase=activase,tpa tenecteplase=tnkase
argatroban bivalirudin=angiomax protamine vitamin_k=phytonadione ezetimibe=zetia,vytorin fenofibrate=tricor,fenoglide
gemfibrozil=lopid niacin=niaspan colesevelam=welchol cholestyramine=questran evolocumab=repatha alirocumab=praluent
icosapent=vascepa fish_oil=omega-3,omega_3,lovaza metformin=glucophage glipizide=glucotrol
glyburide=glibenclamide,diabeta,micronase glimepiride=amaryl pioglitazone=actos rosiglitazone=avandia
sitagliptin=januvia,janumet saxagliptin=onglyza linagliptin=tradjenta alogliptin=nesina empagliflozin=jardiance
dapagliflozin=farxiga canagliflozin=invokana semaglutide=ozempic,wegovy,rybelsus liraglutide=victoza,saxenda
dulaglutide=trulicity exenatide=byetta,bydureon tirzepatide=mounjaro,zepbound acarbose=precose repaglinide=prandin
nateglinide=starlix glucagon dextrose levothyroxine=synthroid,levoxyl,unithroid,euthyrox,l_thyroxine,thyroxine
liothyronine=cytomel armour_thyroid=thyroid_extract methimazole=tapazole propylthiouracil=ptu omeprazole=prilosec
esomeprazole=nexium lansoprazole=prevacid pantoprazole=protonix rabeprazole=aciphex dexlansoprazole=dexilant
famotidine=pepcid ranitidine=zantac cimetidine=tagamet nizatidine=axid sucralfate=carafate misoprostol=cytotec
bismuth=pepto_bismol,pepto-bismol,pepto antacid=antacids,maalox,mylanta,tums,rolaids,gaviscon ondansetron=zofran
granisetron=kytril metoclopramide=reglan promethazine=phenergan prochlorperazine=compazine trimethobenzamide=tigan
meclizine=antivert,bonine scopolamine=transderm_scop dimenhydrinate=dramamine loperamide=imodium diphenoxylate=lomotil
dicyclomine=bentyl hyoscyamine=levsin,levbid docusate=colace,surfak senna=senokot,sennosides bisacodyl=dulcolax
polyethylene_glycol=miralax,glycolax,golytely lactulose=chronulac psyllium=metamucil methylcellulose=citrucel
milk_of_magnesia=magnesium_hydroxide magnesium_citrate linaclotide=linzess lubiprostone=amitiza
simethicone=gas-x,mylicon mesalamine=asacol,pentasa,lialda,mesalazine budesonide=pulmicort,entocort,rhinocort
azathioprine=imuran mercaptopurine=purinethol,6-mp methotrexate=rheumatrex,mtx infliximab=remicade adalimumab=humira
etanercept=enbrel ustekinumab=stelara tofacitinib=xeljanz rituximab=rituxan hydroxychloroquine=plaquenil
leflunomide=arava allopurinol=zyloprim febuxostat=uloric colchicine=colcrys probenecid
cyclosporine=neoral,sandimmune,ciclosporin tacrolimus=prograf,protopic
mycophenolate=cellcept,mycophenolate_mofetil,mycophenolic_acid sirolimus=rapamune
albuterol=ventolin,proventil,proair,salbutamol levalbuterol=xopenex salmeterol=serevent formoterol=foradil
ipratropium=atrovent tiotropium=spiriva umeclidinium=incruse albuterol+ipratropium=combivent,duoneb
fluticasone=flonase,flovent,veramyst fluticasone+salmeterol=advair budesonide+formoterol=symbicort
fluticasone+vilanterol=breo mometasone=nasonex,asmanex beclomethasone=qvar,beclometasone montelukast=singulair
zafirlukast=accolate theophylline=theo-dur,uniphyl cromolyn omalizumab=xolair guaifenesin=mucinex,robitussin
dextromethorphan=delsym benzonatate=tessalon,tessalon_perles pseudoephedrine=sudafed phenylephrine=neo-synephrine
oxymetazoline=afrin azelastine=astelin cetirizine=zyrtec levocetirizine=xyzal loratadine=claritin
desloratadine=clarinex fexofenadine=allegra diphenhydramine=benadryl hydroxyzine=atarax,vistaril chlorpheniramine
cyproheptadine=periactin doxylamine=unisom epinephrine=epipen,epi-pen,adrenaline,adrenalin
norepinephrine=levophed,noradrenaline vasopressin=pitressin dopamine dobutamine ephedrine atropine
glycopyrrolate=robinul milrinone naloxone=narcan flumazenil=romazicon naltrexone=vivitrol,revia
buprenorphine+naloxone=suboxone propofol=diprivan ketamine=ketalar etomidate=amidate midazolam=versed lorazepam=ativan
diazepam=valium alprazolam=xanax clonazepam=klonopin temazepam=restoril chlordiazepoxide=librium oxazepam
triazolam=halcion zolpidem=ambien eszopiclone=lunesta zaleplon=sonata melatonin ramelteon=rozerem suvorexant=belsomra
trazodone=desyrel sertraline=zoloft fluoxetine=prozac,sarafem paroxetine=paxil citalopram=celexa escitalopram=lexapro
fluvoxamine=luvox venlafaxine=effexor desvenlafaxine=pristiq duloxetine=cymbalta bupropion=wellbutrin,zyban
mirtazapine=remeron amitriptyline=elavil nortriptyline=pamelor imipramine=tofranil desipramine doxepin=sinequan
clomipramine=anafranil vilazodone=viibryd vortioxetine=trintellix phenelzine=nardil selegiline=eldepryl
buspirone=buspar lithium=lithobid valproate=depakote,depakene,valproic_acid,divalproex topiramate=topamax
levetiracetam=keppra gabapentin=neurontin pregabalin=lyrica lacosamide=vimpat zonisamide=zonegran tiagabine=gabitril
ethosuximide=zarontin vigabatrin=sabril felbamate perampanel clobazam=onfi rufinamide cannabidiol=epidiolex,cbd
quetiapine=seroquel olanzapine=zyprexa risperidone=risperdal aripiprazole=abilify ziprasidone=geodon
haloperidol=haldol clozapine=clozaril lurasidone=latuda paliperidone=invega chlorpromazine=thorazine fluphenazine
perphenazine thioridazine=mellaril thiothixene methylphenidate=ritalin,concerta,metadate amphetamine=adderall
dextroamphetamine=dexedrine lisdexamfetamine=vyvanse atomoxetine=strattera guanfacine=intuniv,tenex modafinil=provigil
armodafinil=nuvigil donepezil=aricept memantine=namenda rivastigmine=exelon galantamine=razadyne
levodopa=sinemet,carbidopa,carbidopa-levodopa pramipexole=mirapex ropinirole=requip rasagiline=azilect
benztropine=cogentin amantadine=symmetrel trihexyphenidyl entacapone=comtan baclofen=lioresal cyclobenzaprine=flexeril
methocarbamol=robaxin tizanidine=zanaflex carisoprodol=soma metaxalone=skelaxin orphenadrine dantrolene
sumatriptan=imitrex rizatriptan=maxalt zolmitriptan=zomig eletriptan=relpax naratriptan=amerge ergotamine=cafergot
dihydroergotamine=dhe fioricet=butalbital erenumab=aimovig excedrin paracetamol+diphenhydramine=tylenol_pm
oxycodone+paracetamol=roxicet,endocet hydrocodone+paracetamol=lortab,lorcet pentazocine=talwin,darvocet
alendronate=fosamax risedronate=actonel ibandronate=boniva zoledronic_acid=reclast,zometa denosumab=prolia
raloxifene=evista teriparatide=forteo calcitonin calcitriol=rocaltrol cinacalcet=sensipar sevelamer=renvela,renagel
vitamin_d=cholecalciferol,ergocalciferol,vitamin_d3,vitamin_d2 vitamin_b12=cyanocobalamin,b12,vitamin_b-12
vitamin_c=ascorbic_acid vitamin_e vitamin_a folic_acid=folate thiamine=vitamin_b1 pyridoxine=vitamin_b6
multivitamin=multivitamins,multi-vitamin,centrum,prenatal_vitamins,prenatal_vitamin
ferrous_sulfate=feosol,iron_sulfate,ferrous_gluconate,iron_supplement,iron_supplements,iron_pills,iron_tablets
potassium_chloride=k-dur,klor-con,kcl,potassium_supplement calcium_carbonate=os-cal,caltrate,calcium_supplement
magnesium_oxide=mag-ox magnesium_sulfate zinc_oxide sodium_bicarbonate glucosamine chondroitin biotin turmeric
coenzyme_q10=coq10 ginkgo creatine estradiol=estrace,climara,vagifem conjugated_estrogens=premarin,prempro
medroxyprogesterone=provera,depo-provera,depo_provera progesterone=prometrium norethindrone=microgestin
levonorgestrel=mirena,kyleena drospirenone=yasmin,yaz norgestimate=ortho_tri-cyclen etonogestrel=nexplanon,nuvaring
testosterone=androgel finasteride=proscar,propecia dutasteride=avodart clomiphene=clomid letrozole=femara
anastrozole=arimidex exemestane=aromasin tamoxifen=nolvadex leuprolide=lupron bicalutamide=casodex oxytocin=pitocin
sildenafil=viagra,revatio tadalafil=cialis vardenafil=levitra oxybutynin=ditropan tolterodine=detrol
solifenacin=vesicare mirabegron=myrbetriq trospium=sanctura darifenacin phenazopyridine=pyridium
bethanechol=urecholine desmopressin=ddavp nitrofurantoin=macrobid,macrodantin fosfomycin=monurol methenamine
linezolid=zyvox daptomycin=cubicin chloramphenicol colistin polymyxin=polysporin bacitracin=neosporin
mupirocin=bactroban silver_sulfadiazine=silvadene isoniazid=inh ethambutol pyrazinamide dapsone terbinafine=lamisil
nystatin clotrimazole=lotrimin,mycelex griseofulvin amphotericin=amphotericin_b,ambisome acyclovir=zovirax,aciclovir
valacyclovir=valtrex,valaciclovir famciclovir=famvir ganciclovir=cytovene oseltamivir=tamiflu zanamivir
remdesivir=veklury nirmatrelvir=paxlovid molnupiravir zidovudine=azt,retrovir lamivudine=epivir abacavir=ziagen
tenofovir=viread emtricitabine=truvada efavirenz=sustiva,atripla raltegravir=isentress dolutegravir=tivicay
bictegravir=biktarvy ritonavir=norvir lopinavir=kaletra darunavir=prezista atazanavir=reyataz interferon ribavirin
sofosbuvir=sovaldi,epclusa ledipasvir=harvoni entecavir=baraclude chloroquine=aralen mefloquine=lariam
atovaquone=mepron,malarone artemether=coartem artesunate quinine primaquine ivermectin=stromectol albendazole=albenza
mebendazole=vermox praziquantel permethrin=elimite,nix cisplatin carboplatin oxaliplatin paclitaxel=taxol
docetaxel=taxotere doxorubicin=adriamycin cyclophosphamide=cytoxan vincristine vinblastine etoposide fluorouracil=5-fu
capecitabine=xeloda gemcitabine=gemzar irinotecan bleomycin pemetrexed=alimta bortezomib=velcade lenalidomide=revlimid
thalidomide imatinib=gleevec erlotinib=tarceva trastuzumab=herceptin bevacizumab=avastin pembrolizumab=keytruda
nivolumab=opdivo cetuximab=erbitux ibrutinib=imbruvica palbociclib=ibrance hydroxyurea=hydrea filgrastim=neupogen
pegfilgrastim=neulasta epoetin=epogen,procrit,epo darbepoetin=aranesp latanoprost=xalatan brimonidine=alphagan
dorzolamide=trusopt,cosopt bimatoprost=lumigan travoprost=travatan pilocarpine tretinoin=retin-a,retin_a
isotretinoin=accutane adapalene=differin benzoyl_peroxide=epiduo salicylic_acid clobetasol=temovate fluocinonide=lidex
mometasone_furoate=elocon desonide hydroquinone calcipotriene pimecrolimus=elidel imiquimod=aldara phentermine=adipex
orlistat=xenical,alli varenicline=chantix nicotine_patch=nicoderm,nicorette,nicotine_gum disulfiram=antabuse
acamprosate=campral tranexamic_acid=txa,lysteda aminocaproic_acid immunoglobulin=ivig,immune_globulin
tetanus_toxoid=tdap hyaluronic_acid=synvisc,euflexxa activated_charcoal oral_rehydration_salts=ors
acetylcysteine=n-acetylcysteine,mucomyst,nac pralidoxime methylene_blue dutasteride+tamsulosin=jalyn
amlodipine+benazepril=lotrel amlodipine+valsartan=exforge amlodipine+olmesartan=azor amlodipine+atorvastatin=caduet
lisinopril+hydrochlorothiazide=prinzide losartan+hydrochlorothiazide=losartan-hctz
valsartan+hydrochlorothiazide=diovan_hct olmesartan+hydrochlorothiazide=benicar_hct ezetimibe+simvastatin=vytorin
ibuprofen+famotidine=duexis naproxen+esomeprazole=vimovo azithromycin=z-pak,z-pack,zpak,zpack
cortisone=cortisone_acetate phexxi=lactic_acid_gel bempedoic_acid=nexletol finerenone=kerendia vericiguat=verquvo
riociguat=adempas bosentan=tracleer ambrisentan=letairis macitentan=opsumit treprostinil=remodulin
midodrine=proamatine fludrocortisone=florinef octreotide=sandostatin terlipressin rifapentine cefotetan
nitroprusside=nipride
"""
"""Each ingredient, or ingredients joined by a plus, with the brands and other names."""

CLASSES: Final = """
antibiotic=antibiotics,antimicrobial,antimicrobials antidepressant=antidepressants,ssri,ssris,snri,snris
beta_blocker=beta_blockers,beta-blocker,beta-blockers diuretic=diuretics,water_pill,water_pills,loop_diuretic
steroid=steroids,corticosteroid,corticosteroids
anticoagulant=anticoagulants,blood_thinner,blood_thinners,anticoagulation
calcium_channel_blocker=calcium_channel_blockers benzodiazepine=benzodiazepines,benzos
proton_pump_inhibitor=proton_pump_inhibitors,ppi,ppis antihistamine=antihistamines
muscle_relaxant=muscle_relaxants,muscle_relaxer,muscle_relaxers antipsychotic=antipsychotics antiviral=antivirals
antifungal=antifungals bisphosphonate=bisphosphonates sulfonylurea=sulfonylureas
nsaid=nsaids,anti-inflammatory,anti-inflammatories,antiinflammatory,antiinflammatories,anti_inflammatory,anti_inflammatories
narcotic=narcotics,opioid,opioids,opiate,opiates,pain_pills bronchodilator=bronchodilators
antiepileptic=antiepileptics,anticonvulsant,anticonvulsants ace_inhibitor=ace_inhibitors statin=statins
laxative=laxatives,stool_softener,stool_softeners antiemetic=antiemetics chemotherapy=chemo
oral_contraceptive=oral_contraceptives,birth_control,birth_control_pill,birth_control_pills,contraceptives
"""
"""Names of classes: what people say in place of a drug's name."""

MEMBERS: Final = """
antibiotic=penicillins,cephalosporins,carbapenems,monobactams,sulfonamide_antibiotics,trimethoprim,macrolides,lincosamides
antibiotic=fluoroquinolones,tetracyclines,aminoglycosides,glycopeptides,nitroimidazoles,rifamycins,nitrofurantoin
antibiotic=linezolid,daptomycin,bacitracin,mupirocin
antidepressant=sertraline,fluoxetine,paroxetine,citalopram,escitalopram,venlafaxine,duloxetine,bupropion,mirtazapine
antidepressant=amitriptyline,nortriptyline,trazodone
beta_blocker=metoprolol,atenolol,propranolol,carvedilol,bisoprolol,nebivolol,labetalol,nadolol,sotalol
diuretic=furosemide,bumetanide,torasemide,hydrochlorothiazide,chlortalidone,spironolactone,triamterene,metolazone
steroid=corticosteroids,budesonide,fluticasone,cortisone,mometasone,beclomethasone,clobetasol,fluocinonide
anticoagulant=warfarin,apixaban,rivaroxaban,dabigatran,edoxaban,heparins,clopidogrel,acetylsalicylic_acid
calcium_channel_blocker=amlodipine,nifedipine,diltiazem,verapamil,felodipine
benzodiazepine=lorazepam,diazepam,alprazolam,clonazepam,temazepam,midazolam
proton_pump_inhibitor=omeprazole,esomeprazole,lansoprazole,pantoprazole,rabeprazole,dexlansoprazole
antihistamine=cetirizine,loratadine,fexofenadine,diphenhydramine,levocetirizine,desloratadine,hydroxyzine
muscle_relaxant=cyclobenzaprine,methocarbamol,tizanidine,baclofen,carisoprodol,metaxalone
antiviral=acyclovir,valacyclovir,oseltamivir,famciclovir antifungal=azoles,terbinafine,nystatin,clotrimazole
bisphosphonate=alendronate,risedronate,ibandronate,zoledronic_acid sulfonylurea=glipizide,glyburide,glimepiride
nsaid=nsaids,coxibs
narcotic=opioid_phenanthrenes,opioid_phenylpiperidines,opioid_diphenylpropylamines,tramadol_tapentadol
bronchodilator=albuterol,salmeterol,ipratropium,tiotropium,levalbuterol statin=statins ace_inhibitor=ace_inhibitors
antiepileptic=aromatic_anticonvulsants,levetiracetam,topiramate,valproate,gabapentin
antiemetic=ondansetron,promethazine laxative=polyethylene_glycol,senna,docusate,bisacodyl,lactulose
oral_contraceptive=norethindrone,drospirenone
"""
"""What belongs to such a class: classes of the clinic's table, and ingredients."""

STEMS: Final = (
    "pril sartan olol alol statin azole cillin mycin micin floxacin cycline prazole tidine dipine setron triptan "
    "gliptin gliflozin glutide glitazone zumab ximab limumab tinib ciclib ciclovir cyclovir navir tegravir buvir "
    "caine azepam azolam barbital oxetine triptyline afil lukast parin xaban gatran thiazide semide profen coxib "
    "tadine terol phylline dronate oxacin penem sulfa glinide fibrate platin rubicin taxel mustine relix tropium "
    "curium zosin peridone idone pramine conazole bactam prost vaptan sone solone nazole vastatin dopa gabalin"
)
"""Endings of international names; the name of a drug that no list has may still be known by one."""
BEGINNINGS: Final = "cef ceph sulfa"
"""Beginnings, likewise."""
NOT_DRUGS: Final = listed(
    """
    person persons comparison poison reason season prison unison treason mason lesson bison liaison garrison
    venison parson cholesterol hypercholesterol prostatin cephalad cephalic cephalization cephalopelvic
    encephalopathy idone ultrasone steatosone cocaine novocain sulfate ribosone cyclosone chaperone cephalgia
    cephalohematoma somatostatin april
    """
)
"""Words with such an ending that are none."""
